// GET /api/carts/{id}: one row a cart, by its id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/carts/events.hpp"
#include "schemas/carts/v1/views.pb.h"

namespace everfold::carts {

struct Carts {
  static constexpr std::string_view name = "carts";
  static constexpr std::string_view context = "carts";
  static constexpr int version = 1;
  using Row = v1::CartRow;
  using Event = carts::Event;

  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
};
static_assert(Projection<Carts>);

}  // namespace everfold::carts
