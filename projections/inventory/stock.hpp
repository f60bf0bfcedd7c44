// GET /api/inventory: one row a SKU.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/inventory/events.hpp"
#include "schemas/inventory/v1/views.pb.h"

namespace everfold::inventory {

struct Stock {
  static constexpr std::string_view name = "stock";
  static constexpr std::string_view context = "inventory";
  static constexpr int version = 1;
  using Row = v1::StockRow;
  using Event = inventory::Event;

  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
};
static_assert(Projection<Stock>);

}  // namespace everfold::inventory
