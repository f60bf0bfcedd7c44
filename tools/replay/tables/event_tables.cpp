#include "tools/replay/tables/event_tables.hpp"

#include <algorithm>
#include <set>

namespace everfold::replay {
namespace {

using Statement = SqliteDb::Statement;

const std::vector<std::string> own_columns{"event INTEGER PRIMARY KEY",
                                           "aggregate_id TEXT NOT NULL",
                                           "version INTEGER NOT NULL",
                                           "time TEXT NOT NULL",
                                           "actor TEXT",
                                           "correlation_id TEXT",
                                           "causation_id TEXT",
                                           "event_id TEXT NOT NULL",
                                           "log TEXT NOT NULL",
                                           "log_offset INTEGER NOT NULL"};
constexpr const char* own_names =
    "event, aggregate_id, version, time, actor, correlation_id, causation_id, event_id, log, log_offset";

std::vector<std::string> taken_names() {
  std::vector<std::string> names;
  for (const std::string& column : own_columns) names.push_back(column.substr(0, column.find(' ')));
  return names;
}

// Older versions of an event are read as its newest: one table, whose name stays. Where two versions are told apart the
// second has its version in it.
std::string table_of(const EventType& type, std::set<std::string>& names) {
  std::string name = type.context + "_" + snake_case(short_type(type.type));
  if (!names.insert(name).second) name += "_" + type.type.substr(type.type.rfind('.') + 1);
  return name;
}

void bind_or_null(Statement& statement, int at, const std::string& text) {
  text.empty() ? statement.bind_null(at) : statement.bind(at, std::string_view(text));
}

void bind_own(Statement& statement, int64_t number, const LogId& log, const StoredEvent& event) {
  const EventMeta& meta = event.meta;
  int at = 0;
  statement.bind(++at, number);
  statement.bind(++at, std::string_view(meta.aggregate_id));
  statement.bind(++at, meta.version);
  statement.bind_copy(++at, format_time(meta.time_ms));
  bind_or_null(statement, ++at, meta.actor);
  bind_or_null(statement, ++at, meta.correlation_id);
  bind_or_null(statement, ++at, meta.causation_id);
  statement.bind(++at, std::string_view(meta.id));
  statement.bind_copy(++at, to_string(log));
  statement.bind(++at, event.offset);
}

}  // namespace

EventTables::EventTables(SqliteDb& db, const std::vector<std::string>& contexts, int64_t events, int64_t unreadable)
    : db_(db), events_(events), unreadable_(unreadable) {
  std::set<std::string> names;
  for (const EventType& type : event_types()) {
    if (std::find(contexts.begin(), contexts.end(), type.context) == contexts.end()) continue;
    const std::string name(short_type(type.type));
    SqlTable table = sql_table(*type.descriptor, table_of(type, names), taken_names());
    tables_.emplace(type.descriptor,
                    std::make_unique<Of>(Of{type.context, name, MessageTable(db_, std::move(table), own_columns)}));
  }
  std::string columns;
  for (const std::string& column : own_columns) columns += column + ", ";
  db_.execute("CREATE TABLE IF NOT EXISTS unreadable_events (" + columns +
              "context TEXT NOT NULL, type TEXT NOT NULL, bytes BLOB)");
  insert_unreadable_ = db_.prepare("INSERT INTO unreadable_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
}

void EventTables::insert(const LogId& log, const StoredEvent& event) {
  ++events_;
  const auto* message = reader_.read(log.context, event.meta.type, event.bytes);
  const auto found = message ? tables_.find(message->GetDescriptor()) : tables_.end();
  if (found == tables_.end()) return insert_unreadable(log, event);
  found->second->table.insert(
      *message, [&](Statement& statement) { bind_own(statement, events_, log, event); },
      [&](Statement& statement) { statement.bind(1, events_); });
}

void EventTables::insert_unreadable(const LogId& log, const StoredEvent& event) {
  ++unreadable_;
  int at = static_cast<int>(own_columns.size());
  bind_own(*insert_unreadable_, events_, log, event);
  insert_unreadable_->bind(++at, std::string_view(log.context));
  insert_unreadable_->bind(++at, std::string_view(event.meta.type));
  insert_unreadable_->bind_bytes(++at, event.bytes);
  insert_unreadable_->run();
}

void EventTables::finish() {
  std::string all;
  for (auto& [descriptor, of] : tables_) {
    of->table.make_indexes({"aggregate_id", "time", "correlation_id"});
    if (!all.empty()) all += " UNION ALL ";
    all += std::string("SELECT ") + own_names + ", '" + of->context + "' AS context, '" + of->type + "' AS type FROM " +
           sql_name(of->table.name());
  }
  all +=
      std::string(all.empty() ? "" : " UNION ALL ") + "SELECT " + own_names + ", context, type FROM unreadable_events";
  db_.execute("CREATE VIEW events AS " + all);
}

}  // namespace everfold::replay
