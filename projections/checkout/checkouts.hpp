// GET /api/checkouts: one row a checkout that is not over, by its order's id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/checkout/v1/views.pb.h"

namespace everfold::checkout {

struct Checkouts {
  static constexpr std::string_view name = "checkouts";
  static constexpr std::string_view context = "checkout";
  static constexpr int version = 1;
  using Row = v1::CheckoutRow;
  using Event = checkout::Event;

  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
};
static_assert(Projection<Checkouts>);

}  // namespace everfold::checkout
