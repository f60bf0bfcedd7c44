// The checkout process: an aggregate whose id is the order's. Its commands tell it what happened elsewhere, its events
// say what it saw and what it asks for next; the translators carry both. The rules as tables: README.md beside this
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/checkout/v1/commands.pb.h"

namespace everfold::checkout {

// Why an order was cancelled by its checkout.
inline constexpr std::string_view out_of_stock = "OUT_OF_STOCK";
inline constexpr std::string_view payment_declined = "PAYMENT_DECLINED";
inline constexpr std::string_view payment_timeout = "PAYMENT_TIMEOUT";

struct Checkout {
  static constexpr std::string_view context = "checkout";

  enum class Phase { absent, reserving, paying, completed, compensating, cancelled, compensation_failed };
  enum class Stock { asked, secured, refused };
  // asked: the provider may hold some. stuck: it was asked back, and the provider refuses.
  enum class Money { never_asked, asked, captured, none_held, stuck };

  struct Line {
    v1::StockLine line;
    Stock stock = Stock::asked;
  };

  struct State {
    Phase phase = Phase::absent;
    std::vector<Line> lines;                             // one a SKU, as they first come in the order
    std::map<std::string, std::size_t, std::less<>> at;  // SKU → its place in lines
    std::size_t unanswered = 0;                          // lines that inventory has not answered for
    Money money = Money::never_asked;
    int64_t payment_version = 0;  // of the newest that was heard of the payment, and made a difference
    v1::CheckoutStarted order;  // without its lines
    std::string reason;         // of the compensation
  };

  using Command = std::variant<v1::StartCheckout, v1::RecordStockSecured, v1::RecordStockRefused,
                               v1::RecordPaymentOutcome, v1::RecordOrderCancelled, v1::Poke, v1::Expire>;
  using Event = checkout::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command);
  static State evolve(State state, const Event& event);

  static Timer timer_of(const Event& event);
  static Command expire() { return v1::Expire{}; }
};

static_assert(Decider<Checkout> && Process<Checkout>);

}  // namespace everfold::checkout
