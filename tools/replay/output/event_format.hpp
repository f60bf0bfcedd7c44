// How an event is written down: a line of JSON or CSV, a row for people, or Protobuf.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/log/log_tail.hpp"
#include "tools/replay/output/event_json.hpp"

namespace everfold::replay {

class EventFormat {
 public:
  virtual ~EventFormat() = default;
  virtual std::string header() const { return ""; }
  // Appends the event, with what ends it. `json`: what EventJson makes of it if that was made already, otherwise empty.
  // False: it could not be decoded, and stands there with its bytes or without its data.
  virtual bool append(std::string& out, const LogId& log, const StoredEvent& event, const LogMark& mark,
                      const std::string& json) = 0;
};

// ndjson, csv, table, protobuf; `width`: of a table's rows in characters, 0: as long as they are.
std::unique_ptr<EventFormat> make_event_format(std::string_view name, std::size_t width);

}  // namespace everfold::replay
