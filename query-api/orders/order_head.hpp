// The few fields of a stored OrderRow that lists filter and sort by, read without its lines: an order may have a
// thousand.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace everfold::query {

struct OrderHead {
  int status = 0;     // OrderRow::Status
  int64_t total = 0;  // minor units
};

// Nothing: these bytes are no OrderRow.
std::optional<OrderHead> order_head(std::string_view row);

}  // namespace everfold::query
