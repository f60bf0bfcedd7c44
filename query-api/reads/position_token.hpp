// The Everfold-Position token: what a command answered, and what an answer to a query must at least have applied.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"
#include "runtime/event_log.hpp"

namespace everfold::query {

// Every event of `log` before `offset` counts.
struct WantedPosition {
  LogId log;
  int64_t offset = 0;
  bool operator==(const WantedPosition&) const = default;
};
using WantedPositions = std::vector<WantedPosition>;

// "orders.3:1042,carts.1:77". Nothing wanted: "". Refuses (malformed) what no command has answered.
Decided<WantedPositions> parse_position(std::string_view token);

}  // namespace everfold::query
