// GET /api/payments/{id}: one row a payment, by its id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/payments/events.hpp"
#include "schemas/payments/v1/views.pb.h"

namespace everfold::payments {

struct Payments {
  static constexpr std::string_view name = "payments";
  static constexpr std::string_view context = "payments";
  static constexpr int version = 1;
  using Row = v1::PaymentRow;
  using Event = payments::Event;

  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
};
static_assert(Projection<Payments>);

}  // namespace everfold::payments
