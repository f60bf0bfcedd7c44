// One order, from the moment it is placed: what was bought, for how much, and how far it has come.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "schemas/orders/events.hpp"
#include "schemas/orders/v1/commands.pb.h"

namespace everfold::orders {

struct Orders {
  static constexpr std::string_view context = "orders";

  enum class Status { none, pending, stock_reserved, confirmed, partially_refunded, refunded, cancelled };

  struct State {
    Status status = Status::none;
    v1::OrderPayment payment;  // the newest picture of it; version 0: none yet
    std::string cancel_reason;
  };
  using Command =
      std::variant<v1::PlaceOrder, v1::MarkStockReserved, v1::RecordPayment, v1::ConfirmOrder, v1::CancelOrder>;
  using Event = orders::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command);
  static State evolve(State state, const Event& event);
};
static_assert(Decider<Orders>);

}  // namespace everfold::orders
