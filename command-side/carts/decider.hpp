// One shopping cart: lines of one currency, at the prices that the catalogue had when they were added; closed by its
// checkout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "schemas/carts/events.hpp"
#include "schemas/carts/v1/commands.pb.h"

namespace everfold::carts {

struct Carts {
  static constexpr std::string_view context = "carts";

  struct Line {
    std::string sku;
    std::string name;
    int64_t quantity = 0;
    int64_t unit_price = 0;  // in the cart's currency
    bool operator==(const Line&) const = default;
  };
  struct State {
    std::string currency;  // empty: there is no such cart
    std::optional<std::string> customer_id;
    std::vector<Line> lines;  // in the order in which their SKUs were first added
    int64_t subtotal = 0;     // Σ unit_price × quantity, at most max_amount
    bool checked_out = false;
    bool operator==(const State&) const = default;
  };
  using Command =
      std::variant<v1::CreateCart, v1::AddCartItem, v1::ChangeCartItemQuantity, v1::RemoveCartItem, v1::CheckOutCart>;
  using Event = carts::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command);
  static State evolve(State state, const Event& event);
};
static_assert(Decider<Carts>);

}  // namespace everfold::carts
