// `copy --map`: a jq expression that changes what events say (to make names up, to round amounts), and nothing else of
// them.
#pragma once

#include <string>

#include "runtime/log/stored_event.hpp"
#include "tools/replay/output/event_json.hpp"
#include "tools/replay/output/jq.hpp"

namespace everfold::replay {

class EventMap {
 public:
  // Throws UsageError: no jq program.
  explicit EventMap(const std::string& program);

  // The expression is given the event as EventJson writes it, and gives it back with other `data`. What it leaves as it
  // was keeps its very bytes. Throws std::runtime_error with a sentence that names the event: the expression fails on
  // it, or makes nothing, null or several of it (an aggregate's versions have no gaps, so events cannot be left out),
  // or changes more than `data`, or makes data that are not this event's; or the event has an integer that jq cannot
  // hold.
  void apply(const LogId& log, StoredEvent& event);

 private:
  Jq jq_;
  EventJson maker_;
};

}  // namespace everfold::replay
