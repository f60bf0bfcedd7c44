// GET /api/orders: one row an order, by its id, and two lists of them by time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/orders/events.hpp"
#include "schemas/orders/v1/views.pb.h"

namespace everfold::orders {

struct Orders {
  static constexpr std::string_view name = "orders";
  static constexpr std::string_view context = "orders";
  static constexpr int version = 1;
  using Row = v1::OrderRow;
  using Event = orders::Event;

  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
  // "placed/<ms in 15 digits>/<order id>", and "customer/<customer id>/<ms in 15 digits>/<order id>" when it has a
  // customer.
  static std::vector<std::string> index_keys_of(const Row& row);
};
static_assert(Indexed<Orders>);

}  // namespace everfold::orders
