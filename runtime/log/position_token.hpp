// The Everfold-Position token: what a command answered, and what the answer to a query must at least have applied, or what a
// later command must at least have seen.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"
#include "runtime/log/event_log.hpp"

namespace everfold {

using WantedPositions = std::vector<WantedPosition>;

// "orders.3:1042,carts.1:77". Nothing wanted: "". Refuses (malformed) what no command has answered.
Decided<WantedPositions> parse_position(std::string_view token);

}  // namespace everfold
