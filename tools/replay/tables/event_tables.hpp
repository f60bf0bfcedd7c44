// The events' side of `everfold-replay sqlite`: a table a type, the view `events` over all of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/log/stored_event.hpp"
#include "tools/replay/history/event_types.hpp"
#include "tools/replay/tables/sql_tables.hpp"

namespace everfold::replay {

// <context>_<type>: orders_order_placed. Each has the columns
//   event           counts in the order of writing: of one log, its order
//   aggregate_id, version, time, actor, correlation_id, causation_id, event_id, log, log_offset
// then the message's; unset actors and correlation ids are NULL. What cannot be decoded is in `unreadable_events`.
class EventTables {
 public:
  // Of these contexts' types, whether they happened or not: a query for what never happened finds nothing. So many
  // events are in them already, of them so many unreadable ones.
  EventTables(SqliteDb& db, const std::vector<std::string>& contexts, int64_t events = 0, int64_t unreadable = 0);

  void insert(const LogId& log, const StoredEvent& event);
  // When all are in: indexes, and the view.
  void finish();

  int64_t events() const { return events_; }
  int64_t unreadable() const { return unreadable_; }

 private:
  struct Of {
    std::string context, type;
    MessageTable table;
  };
  void insert_unreadable(const LogId& log, const StoredEvent& event);

  SqliteDb& db_;
  EventReader reader_;
  std::map<const google::protobuf::Descriptor*, std::unique_ptr<Of>> tables_;
  std::unique_ptr<SqliteDb::Statement> insert_unreadable_;
  int64_t events_;
  int64_t unreadable_;
};

}  // namespace everfold::replay
