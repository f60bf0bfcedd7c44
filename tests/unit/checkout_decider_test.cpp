#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <deque>

#include "saga/checkout/decider.hpp"
#include "tests/given.hpp"

namespace everfold::checkout {
namespace {

using testing::expect_table;
using testing::fold;
using testing::given;
using testing::make;
using Outcome = v1::RecordPaymentOutcome;
using Command = Checkout::Command;

// ---- the vocabulary: an order of 2 a and 1 b for 30 USD

const std::string both = "lines { sku: 'a' quantity: 2 } lines { sku: 'b' quantity: 1 } ";
const std::string dear = "total { amount: 3000 currency: 'USD' } ";
const std::string gratis = "total { currency: 'USD' } ";
const std::string with = "provider: 'sandbox' method: 'manual' payment_id: 'p' customer_id: 'c' ";
const std::string at_noon = "{ seconds: 43200 }";

v1::StartCheckout start(const std::string& lines = both, const std::string& total = dear) {
  return make<v1::StartCheckout>(lines + total + with + "expires_at " + at_noon);
}
v1::RecordStockSecured secure(const std::string& sku) { return make<v1::RecordStockSecured>("sku: '" + sku + "'"); }
v1::RecordStockRefused refuse(const std::string& sku) { return make<v1::RecordStockRefused>("sku: '" + sku + "'"); }
// The payment's version is what it is in a payment that was requested, answered, and asked back.
Outcome outcome(Outcome::Outcome what, int64_t version = 0) {
  if (version == 0) version = what == Outcome::REFUNDED ? 6 : what == Outcome::REVERSAL_FAILED ? 5 : 2;
  auto command = make<Outcome>("payment_id: 'p'");
  command.set_outcome(what);
  command.set_payment_version(version);
  return command;
}
v1::RecordOrderCancelled cancel(const std::string& reason = "changed my mind") {
  return make<v1::RecordOrderCancelled>("reason: '" + reason + "'");
}

template <class Message>
Message because(const std::string& reason) {
  return make<Message>("reason: '" + reason + "'");
}
template <class Message>
Message lines(const std::string& text = both) {
  return make<Message>(text);
}
v1::StockSecured secured(const std::string& sku) { return make<v1::StockSecured>("sku: '" + sku + "'"); }
v1::StockRefused refused(const std::string& sku) { return make<v1::StockRefused>("sku: '" + sku + "'"); }
v1::PaymentAsked asked() {
  return make<v1::PaymentAsked>(
      "payment_id: 'p' customer_id: 'c' amount { amount: 3000 currency: 'USD' } "
      "provider: 'sandbox' method: 'manual'");
}
v1::PaymentSettled settled(int64_t version) {
  return make<v1::PaymentSettled>("payment_version: " + std::to_string(version));
}
v1::PaymentReversalFailed reversal_failed(int64_t version) {
  return make<v1::PaymentReversalFailed>("payment_version: " + std::to_string(version));
}
v1::PaymentReversalRequested reversal(const std::string& reason) {
  return make<v1::PaymentReversalRequested>("payment_id: 'p' reason: '" + reason + "'");
}

using History = std::vector<Event>;
// What the process lives through when it is told these.
History after(const std::vector<Command>& commands) {
  History history;
  Checkout::State state;
  for (const Command& command : commands) {
    const auto events = Checkout::decide(state, command);
    EXPECT_TRUE(events.has_value());
    history.insert(history.end(), events.value().begin(), events.value().end());
    state = fold<Checkout>(events.value(), std::move(state));
  }
  return history;
}

// ---- one by one

TEST(Checkout, StartAsksForEverySkuOnceInTheOrderOfFirstAppearance) {
  const std::string merged = "lines { sku: 'b' quantity: 5 } lines { sku: 'a' quantity: 2 } ";
  given<Checkout>({})
      .when(start("lines { sku: 'b' quantity: 1 } lines { sku: 'a' quantity: 2 } lines { sku: 'b' quantity: 4 } "))
      .then({make<v1::CheckoutStarted>(merged + dear + with), make<v1::TimeoutScheduled>("at " + at_noon),
             lines<v1::StockRequested>(merged)});
}

TEST(Checkout, StartNamesWhatIsWrong) {
  const auto nothing = given<Checkout>({});
  nothing.when(start("")).then_rejected(Code::validation_failed, "lines");
  nothing.when(start("lines { sku: 'a' } ")).then_rejected(Code::validation_failed, "lines.quantity");
  nothing.when(start(both, "total { amount: -1 currency: 'USD' } ")).then_rejected(Code::validation_failed, "total");
  nothing.when(make<v1::StartCheckout>(both + dear + with)).then_rejected(Code::validation_failed, "expiresAt");
  nothing.when(make<v1::StartCheckout>(both + dear + "expires_at " + at_noon))
      .then_rejected(Code::validation_failed, "paymentId");
}

TEST(Checkout, TheLastReservationAsksForTheMoney) {
  given<Checkout>(after({start(), secure("b")})).when(secure("a")).then({secured("a"), asked()});
}

TEST(Checkout, NothingToPayCompletesAtOnce) {
  given<Checkout>(after({start(both, gratis), secure("b")}))
      .when(secure("a"))
      .then({secured("a"), lines<v1::StockCommitRequested>(), make<v1::OrderConfirmationRequested>(),
             make<v1::CheckoutCompleted>()});
}

TEST(Checkout, PaidIsSold) {
  const std::string payment = "payment_id: 'p' payment_version: 2";
  given<Checkout>(after({start(), secure("a"), secure("b")}))
      .when(outcome(Outcome::CAPTURED))
      .then({make<v1::PaymentSecured>(payment), lines<v1::StockCommitRequested>(),
             make<v1::OrderConfirmationRequested>(payment), make<v1::CheckoutCompleted>()});
}

TEST(Checkout, APartialReservationIsUndone) {
  given<Checkout>(after({start(), secure("a")}))
      .when(refuse("b"))
      .then({refused("b"), because<v1::CompensationStarted>("OUT_OF_STOCK"),
             lines<v1::StockReleaseRequested>("lines { sku: 'a' quantity: 2 }"),
             because<v1::OrderCancellationRequested>("OUT_OF_STOCK"), because<v1::CheckoutCancelled>("OUT_OF_STOCK")});
}

TEST(Checkout, WhatIsReservedTooLateIsReleasedAsItComes) {
  given<Checkout>(after({start()}))
      .when(refuse("b"))
      .then({refused("b"), because<v1::CompensationStarted>("OUT_OF_STOCK"),
             because<v1::OrderCancellationRequested>("OUT_OF_STOCK")});
  given<Checkout>(after({start(), refuse("b")}))
      .when(secure("a"))
      .then({secured("a"), lines<v1::StockReleaseRequested>("lines { sku: 'a' quantity: 2 }"),
             because<v1::CheckoutCancelled>("OUT_OF_STOCK")});
}

// The reservation was asked for twice, and stock came in between.
TEST(Checkout, ARefusedLineReservedAfterTheEndIsReleased) {
  given<Checkout>(after({start(), secure("a"), refuse("b")}))
      .when(secure("b"))
      .then({secured("b"), lines<v1::StockReleaseRequested>("lines { sku: 'b' quantity: 1 }")});
}

TEST(Checkout, ADeclinedPaymentCancels) {
  given<Checkout>(after({start(), secure("a"), secure("b")}))
      .when(outcome(Outcome::DECLINED))
      .then({make<v1::PaymentFailed>("reason: 'PAYMENT_DECLINED' payment_version: 2"),
             because<v1::CompensationStarted>("PAYMENT_DECLINED"), lines<v1::StockReleaseRequested>(),
             because<v1::OrderCancellationRequested>("PAYMENT_DECLINED"),
             because<v1::CheckoutCancelled>("PAYMENT_DECLINED")});
}

TEST(Checkout, AnUnpaidCheckoutExpires) {
  given<Checkout>(after({start(), secure("a"), secure("b")}))
      .when(v1::Expire{})
      .then({because<v1::CompensationStarted>("PAYMENT_TIMEOUT"), lines<v1::StockReleaseRequested>(),
             reversal("PAYMENT_TIMEOUT"), because<v1::OrderCancellationRequested>("PAYMENT_TIMEOUT")});
  given<Checkout>(after({start(), secure("a"), secure("b"), v1::Expire{}}))
      .when(outcome(Outcome::VOIDED))
      .then({settled(2), because<v1::CheckoutCancelled>("PAYMENT_TIMEOUT")});
}

TEST(Checkout, AnOrderCancelledWhilePayingIsNotCancelledAgain) {
  given<Checkout>(after({start(), secure("a"), secure("b")}))
      .when(cancel("late"))
      .then({because<v1::CompensationStarted>("late"), lines<v1::StockReleaseRequested>(), reversal("late")});
}

TEST(Checkout, ACancelledSaleComesBackToTheShelfAndTheMoneyToThePayer) {
  const std::vector<Command> sold{start(), secure("a"), secure("b"), outcome(Outcome::CAPTURED)};
  given<Checkout>(after(sold))
      .when(cancel("late"))
      .then({because<v1::CompensationStarted>("late"), lines<v1::StockReturnRequested>(), reversal("late")});
  given<Checkout>(after({sold[0], sold[1], sold[2], sold[3], cancel("late")}))
      .when(outcome(Outcome::REFUNDED))
      .then({settled(6), because<v1::CheckoutCancelled>("late")});
}

// ---- money that does not come back

const std::vector<Command> sale_undone{start(), secure("a"), secure("b"), outcome(Outcome::CAPTURED), cancel("late")};
std::vector<Command> and_then(std::vector<Command> first, const std::vector<Command>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

TEST(Checkout, ARefundThatTheProviderRefusesEndsWhereSomebodyLooks) {
  given<Checkout>(after(sale_undone))
      .when(outcome(Outcome::REVERSAL_FAILED))
      .then({reversal_failed(5), because<v1::CompensationFailed>("late")});
}

TEST(Checkout, RefundedByHandIsCancelledAfterAll) {
  given<Checkout>(after(and_then(sale_undone, {outcome(Outcome::REVERSAL_FAILED)})))
      .when(outcome(Outcome::REFUNDED))
      .then({settled(6), because<v1::CheckoutCancelled>("late")});
}

TEST(Checkout, AFailedCompensationIsTriedAgainWhenPoked) {
  const auto failed = and_then(sale_undone, {outcome(Outcome::REVERSAL_FAILED)});
  given<Checkout>(after(failed)).when(v1::Poke{}).then({reversal("late")});
  const auto poked = and_then(failed, {v1::Poke{}});
  given<Checkout>(after(poked)).when(v1::Poke{}).then({reversal("late")});               // twice asked is once done
  given<Checkout>(after(poked)).when(outcome(Outcome::REVERSAL_FAILED)).then_nothing();  // that is the old one
  given<Checkout>(after(poked))
      .when(outcome(Outcome::REVERSAL_FAILED, 9))
      .then({reversal_failed(9), because<v1::CompensationFailed>("late")});
  given<Checkout>(after(poked))
      .when(outcome(Outcome::REFUNDED, 9))
      .then({settled(9), because<v1::CheckoutCancelled>("late")});
}

TEST(Checkout, MoneyThatCameTooLateAndIsStuckReopensTheEnd) {
  const std::vector<Command> given_up{start(), secure("a"), secure("b"), v1::Expire{}, outcome(Outcome::VOIDED)};
  given<Checkout>(after(given_up)).when(outcome(Outcome::CAPTURED, 3)).then_nothing();  // payments gives it back
  given<Checkout>(after(given_up))
      .when(outcome(Outcome::REVERSAL_FAILED))
      .then({reversal_failed(5), because<v1::CompensationFailed>("PAYMENT_TIMEOUT")});
}

TEST(Checkout, StockIsStillAwaitedWhenTheMoneyIsStuck) {
  // Line b was refused, then reserved after all while the order was being cancelled: stock answers need not be the
  // first.
  Checkout::State state = fold<Checkout>(after(sale_undone));
  state.unanswered = 1;
  state.lines[1].stock = Checkout::Stock::asked;
  const auto stuck = Checkout::decide(state, outcome(Outcome::REVERSAL_FAILED)).value();
  EXPECT_EQ(testing::show(stuck), testing::show(History{reversal_failed(5)}));
  state = fold<Checkout>(stuck, std::move(state));
  EXPECT_EQ(testing::show(Checkout::decide(state, refuse("b")).value()),
            testing::show(History{refused("b"), because<v1::CompensationFailed>("late")}));
}

TEST(Checkout, AnotherAmountThanAskedIsNoSale) {
  given<Checkout>(after({start(), secure("a"), secure("b")}))
      .when(outcome(Outcome::WRONG_AMOUNT))
      .then({make<v1::PaymentFailed>("reason: 'WRONG_AMOUNT' payment_version: 2 money_held: true"),
             because<v1::CompensationStarted>("PAYMENT_DECLINED"), lines<v1::StockReleaseRequested>(),
             reversal("PAYMENT_DECLINED"), because<v1::OrderCancellationRequested>("PAYMENT_DECLINED")});
  given<Checkout>(after({start(), secure("a"), secure("b"), outcome(Outcome::WRONG_AMOUNT)}))
      .when(outcome(Outcome::REFUNDED))
      .then({settled(6), because<v1::CheckoutCancelled>("PAYMENT_DECLINED")});
}

TEST(Checkout, APokeAsksAgainForWhatIsAwaited) {
  given<Checkout>(after({start(), secure("b")}))
      .when(v1::Poke{})
      .then({lines<v1::StockRequested>("lines { sku: 'a' quantity: 2 }")});
  given<Checkout>(after({start(), secure("a"), secure("b")})).when(v1::Poke{}).then({asked()});
  given<Checkout>(after({start(), secure("a"), cancel("late")}))
      .when(v1::Poke{})
      .then({lines<v1::StockRequested>("lines { sku: 'b' quantity: 1 }")});
  given<Checkout>(after(sale_undone)).when(v1::Poke{}).then({reversal("late")});
}

TEST(Checkout, ACancelledSaleWithoutMoneyEndsAtOnce) {
  given<Checkout>(after({start(both, gratis), secure("a"), secure("b")}))
      .when(cancel("late"))
      .then({because<v1::CompensationStarted>("late"), lines<v1::StockReturnRequested>(),
             because<v1::CheckoutCancelled>("late")});
}

TEST(Checkout, AnotherPaymentsOutcomeAndAnotherOrdersStockAreRefused) {
  auto others = outcome(Outcome::CAPTURED);
  others.set_payment_id("q");
  const auto paying = given<Checkout>(after({start(), secure("a"), secure("b")}));
  paying.when(others).then_rejected(Code::validation_failed, "paymentId");
  paying.when(outcome(Outcome::UNSPECIFIED)).then_rejected(Code::validation_failed, "outcome");
  paying.when(secure("z")).then_rejected(Code::validation_failed, "sku");
  paying.when(refuse("z")).then_rejected(Code::validation_failed, "sku");
}

TEST(Checkout, TheTimerRunsFromTheStartToTheEndOrTheCompensation) {
  const auto timer_after = [](const std::vector<Command>& commands) {
    std::string seen;
    for (const Event& event : after(commands)) {
      const Timer timer = Checkout::timer_of(event);
      if (timer.kind == Timer::Kind::set) seen += "set " + std::to_string(timer.at_ms) + " ";
      if (timer.kind == Timer::Kind::clear) seen += "clear ";
    }
    return seen;
  };
  EXPECT_EQ(timer_after({start(), secure("a")}), "set 43200000 ");
  EXPECT_EQ(timer_after({start(), secure("a"), secure("b"), outcome(Outcome::CAPTURED)}), "set 43200000 clear ");
  EXPECT_EQ(timer_after({start(), refuse("a")}), "set 43200000 clear ");
  EXPECT_EQ(timer_after({start(), refuse("a"), refuse("b")}), "set 43200000 clear clear ");
  EXPECT_TRUE(std::holds_alternative<v1::Expire>(Checkout::expire()));
}

// ---- phase × command

TEST(Checkout, Table) {
  const testing::States<Checkout> states{
      {"absent", {}},
      {"reserving", after({start(), secure("a")})},
      {"paying", after({start(), secure("a"), secure("b")})},
      {"completed", after({start(), secure("a"), secure("b"), outcome(Outcome::CAPTURED)})},
      {"settled", after({start(), secure("a"), secure("b"), outcome(Outcome::CAPTURED), outcome(Outcome::REFUNDED)})},
      {"awaits_stock", after({start(), secure("a"), cancel()})},
      {"awaits_money", after({start(), secure("a"), secure("b"), v1::Expire{}})},
      {"cancelled", after({start(), secure("a"), refuse("b")})},
      {"stuck", after(and_then(sale_undone, {outcome(Outcome::REVERSAL_FAILED)}))},
  };
  const testing::Commands<Checkout> commands{
      {"Start", start()},
      {"Secured_a", secure("a")},
      {"Secured_b", secure("b")},
      {"Refused_b", refuse("b")},
      {"CAPTURED", outcome(Outcome::CAPTURED)},
      {"DECLINED", outcome(Outcome::DECLINED)},
      {"VOIDED", outcome(Outcome::VOIDED)},
      {"REFUNDED", outcome(Outcome::REFUNDED)},
      {"WRONG_AMOUNT", outcome(Outcome::WRONG_AMOUNT)},
      {"REVERSAL_FAILED", outcome(Outcome::REVERSAL_FAILED)},
      {"OrderCancelled", cancel()},
      {"Poke", v1::Poke{}},
      {"Expire", v1::Expire{}},
  };
  // One state a paragraph would not fit a line: the long cells have names.
  const std::string undo_unpaid = "CompensationStarted+StockReleaseRequested+PaymentReversalRequested";
  const std::string failed =
      "PaymentFailed+CompensationStarted+StockReleaseRequested+OrderCancellationRequested+CheckoutCancelled";
  const std::string useless =
      "PaymentFailed+CompensationStarted+StockReleaseRequested+PaymentReversalRequested+OrderCancellationRequested";
  const std::string out_of_stock_now =
      "StockRefused+CompensationStarted+StockReleaseRequested+OrderCancellationRequested+CheckoutCancelled";
  const std::string sold = "PaymentSecured+StockCommitRequested+OrderConfirmationRequested+CheckoutCompleted";
  const std::string late = "StockSecured+StockReleaseRequested+CheckoutCancelled";
  const std::string started = "CheckoutStarted+TimeoutScheduled+StockRequested";
  const std::string give_back = "CompensationStarted+StockReturnRequested";
  const auto row = [](const std::string& name, const std::array<std::string, 9>& cells) {
    std::string text = name;
    for (const auto& cell : cells) text += " " + cell;
    return text + "\n";
  };
  const std::string x = "not_found", v = "validation_failed", no = "-";
  expect_table<Checkout>(
      states, commands,
      // clang-format off
      "absent reserving paying completed settled awaits_stock awaits_money cancelled stuck\n" +
      row("Start",     {started, no, no, no, no, no, no, no, no}) +
      row("Secured_a", {x, no, no, no, no, no, no, no, no}) +
      row("Secured_b", {x, "StockSecured+PaymentAsked", no, no, no, late, no, "StockSecured+StockReleaseRequested", no}) +
      row("Refused_b", {x, out_of_stock_now, no, no, no, "StockRefused+CheckoutCancelled", no, no, no}) +
      row("CAPTURED",  {x, v, sold, no, no, v, no, v, no}) +
      row("DECLINED",  {x, v, failed, no, no, v, "PaymentSettled+CheckoutCancelled", v, no}) +
      row("VOIDED",    {x, v, failed, no, no, v, "PaymentSettled+CheckoutCancelled", v, no}) +
      row("REFUNDED",  {x, v, failed, "PaymentSettled", no, v, "PaymentSettled+CheckoutCancelled", v, "PaymentSettled+CheckoutCancelled"}) +
      row("WRONG_AMOUNT", {x, v, useless, no, no, v, no, v, no}) +
      row("REVERSAL_FAILED", {x, v, useless, no, no, v, "PaymentReversalFailed+CompensationFailed", v, no}) +
      row("OrderCancelled", {x, "CompensationStarted+StockReleaseRequested", undo_unpaid,
                             give_back + "+PaymentReversalRequested", give_back + "+CheckoutCancelled", no, no, no, no}) +
      row("Poke",      {x, "StockRequested", "PaymentAsked", no, no, "StockRequested", "PaymentReversalRequested", no,
                        "PaymentReversalRequested"}) +
      row("Expire",    {x, "CompensationStarted+StockReleaseRequested+OrderCancellationRequested",
                        undo_unpaid + "+OrderCancellationRequested", no, no, no, no, no, no}));
  // clang-format on
}

// ---- every order in which things can arrive

// The world around one checkout of three lines: inventory answers as `refused_lines` says, the payer does as `payer`
// says. What is on its way to the checkout can arrive in any order, but payments speak in the order of their log.
enum class Payer { pays, declines, does_nothing, pays_while_we_give_up };

struct World {
  unsigned refused_lines = 0;
  Payer payer = Payer::pays;

  Checkout::State state{};
  std::vector<Command> on_the_way{};
  std::deque<Command> payments_on_the_way{};
  std::vector<Command> delivered{};
  bool timer_runs = false;
  bool shopper_may_cancel = true, admin_may_refund = true;

  enum class Money { none, open, held, refunding, gone } money = Money::none;
  bool order_cancelled = false;
  std::map<std::string, int> secured{}, released{}, sold{}, returned{};
  std::map<std::string, int> seen{};  // events by name

  int64_t payment_version = 1;
  void tell_payment(Outcome::Outcome what) { payments_on_the_way.emplace_back(outcome(what, ++payment_version)); }

  void charge() {
    money = Money::open;
    if (payer == Payer::pays) money = Money::held, tell_payment(Outcome::CAPTURED);
    if (payer == Payer::declines) money = Money::gone, tell_payment(Outcome::DECLINED);
  }
  void reverse() {
    if (money == Money::open && payer == Payer::does_nothing) {
      money = Money::gone;
      tell_payment(Outcome::VOIDED);
      return;
    }
    if (money == Money::open) tell_payment(Outcome::CAPTURED);  // quicker than the reversal
    if (money == Money::open || money == Money::held) tell_payment(Outcome::REFUNDED);
    money = Money::gone;
  }

  void take(const Event& event) {
    ++seen[testing::name_of(event)];
    const Timer timer = Checkout::timer_of(event);
    if (timer.kind != Timer::Kind::keep) timer_runs = timer.kind == Timer::Kind::set;
    if (const auto* request = std::get_if<v1::StockRequested>(&event)) {
      for (int i = 0; i < request->lines_size(); ++i) {
        const std::string& sku = request->lines(i).sku();
        if (refused_lines >> i & 1u) {
          on_the_way.emplace_back(refuse(sku));
        } else {
          on_the_way.emplace_back(secure(sku));
          ++secured[sku];
        }
      }
    }
    const auto count = [](const auto* lines, std::map<std::string, int>& counts) {
      if (lines)
        for (const auto& line : lines->lines()) ++counts[line.sku()];
    };
    count(std::get_if<v1::StockReleaseRequested>(&event), released);
    count(std::get_if<v1::StockCommitRequested>(&event), sold);
    count(std::get_if<v1::StockReturnRequested>(&event), returned);
    if (std::holds_alternative<v1::PaymentAsked>(event)) charge();
    if (std::holds_alternative<v1::PaymentReversalRequested>(event)) reverse();
    if (std::holds_alternative<v1::OrderCancellationRequested>(event) && !order_cancelled) {
      order_cancelled = true;
      on_the_way.emplace_back(cancel());  // the order says so, and the process hears of it
    }
  }

  void tell(const Command& command) {
    const auto events = Checkout::decide(state, command);
    ASSERT_TRUE(events.has_value()) << events.error().message;
    state = fold<Checkout>(events.value(), std::move(state));
    for (const Event& event : events.value()) take(event);
    delivered.push_back(command);
    for (const Command& again : delivered) expect_nothing(again, "told twice");
    if (!timer_runs) expect_nothing(v1::Expire{}, "expired after its end");
  }
  void expect_nothing(const Command& command, const char* why) const {
    const auto events = Checkout::decide(state, command);
    ASSERT_TRUE(events.has_value()) << why << ": " << events.error().message;
    ASSERT_TRUE(events.value().empty()) << why << ":\n" << testing::show(std::vector{command});
  }
};

class EveryOrder : public ::testing::Test {
 protected:
  void explore(const World& world) {
    if (HasFatalFailure() || HasFailure()) return;
    bool at_rest = true;
    const auto go_on = [&](auto&& change) {
      World next = world;
      change(next);
      explore(next);
    };
    for (std::size_t i = 0; i < world.on_the_way.size(); ++i) {
      at_rest = false;
      go_on([&](World& next) {
        next.on_the_way.erase(next.on_the_way.begin() + static_cast<std::ptrdiff_t>(i));
        next.tell(world.on_the_way[i]);
      });
    }
    if (!world.payments_on_the_way.empty()) {
      at_rest = false;
      go_on([&](World& next) {
        next.payments_on_the_way.pop_front();
        next.tell(world.payments_on_the_way.front());
      });
    }
    if (world.timer_runs) {
      at_rest = false;
      go_on([](World& next) { next.tell(v1::Expire{}); });
    }
    if (world.shopper_may_cancel && !world.order_cancelled) {
      go_on([](World& next) {
        next.shopper_may_cancel = false;
        next.order_cancelled = true;
        next.on_the_way.emplace_back(cancel());
      });
    }
    if (world.admin_may_refund && world.money == World::Money::held) {
      go_on([](World& next) {
        next.admin_may_refund = false;
        next.money = World::Money::gone;
        next.tell_payment(Outcome::REFUNDED);
      });
    }
    if (at_rest) expect_all_is_well(world);
  }

  void expect_all_is_well(const World& world) {
    ++ends_;
    auto seen = world.seen;
    const bool cancelled = world.state.phase == Checkout::Phase::cancelled;
    ASSERT_EQ(world.state.phase, cancelled ? Checkout::Phase::cancelled : Checkout::Phase::completed) << story(world);
    ASSERT_EQ(world.order_cancelled, cancelled) << story(world);
    const int completed = seen["CheckoutCompleted"];
    ASSERT_LE(completed, 1) << story(world);
    ASSERT_EQ(seen["CheckoutCancelled"], cancelled ? 1 : 0) << story(world);
    ASSERT_EQ(seen["CompensationStarted"], cancelled ? 1 : 0) << story(world);
    ASSERT_EQ(seen["OrderConfirmationRequested"], completed) << story(world);
    ASSERT_LE(seen["PaymentAsked"], 1) << story(world);
    ASSERT_LE(seen["PaymentReversalRequested"], seen["PaymentAsked"]) << story(world);
    if (cancelled) {
      const bool holds_none = world.money == World::Money::none || world.money == World::Money::gone;
      ASSERT_TRUE(holds_none) << story(world);
    }
    for (const std::string sku : {"a", "b", "c"}) {
      const auto times = [&sku](const std::map<std::string, int>& counts) {
        const auto found = counts.find(sku);
        return found == counts.end() ? 0 : found->second;
      };
      ASSERT_EQ(times(world.sold), completed) << story(world);
      ASSERT_EQ(times(world.returned), completed && cancelled ? 1 : 0) << story(world);
      ASSERT_EQ(times(world.released) + times(world.sold), times(world.secured)) << story(world);
    }
  }

  static std::string story(const World& world) { return testing::show(world.delivered); }

  int ends_ = 0;
};

TEST_F(EveryOrder, EndsWithStockAndMoneyWhereTheyBelong) {
  const std::string three =
      "lines { sku: 'a' quantity: 1 } lines { sku: 'b' quantity: 2 } lines { sku: 'c' quantity: 3 } ";
  for (const std::string& total : {dear, gratis}) {
    for (unsigned refused_lines = 0; refused_lines < 8; ++refused_lines) {
      for (const Payer payer : {Payer::pays, Payer::declines, Payer::does_nothing, Payer::pays_while_we_give_up}) {
        World world{.refused_lines = refused_lines, .payer = payer};
        world.tell(start(three, total));
        explore(world);
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(ends_, 9'000);  // every order was tried, not one
}

// ---- many lines

TEST(Checkout, TwentyThousandLinesAreNoQuadraticAffair) {
  const int count = 20'000;
  auto command = start("");
  for (int i = 0; i < count; ++i) {
    auto& line = *command.add_lines();
    line.set_sku("sku-" + std::to_string(i));
    line.set_quantity(1);
  }
  const auto begin = std::chrono::steady_clock::now();
  Checkout::State state;
  const auto tell = [&state](const Command& what) {
    const auto events = Checkout::decide(state, what);
    for (const Event& event : events.value()) state = Checkout::evolve(std::move(state), event);
  };
  tell(command);
  for (int i = 0; i < count; ++i) tell(secure("sku-" + std::to_string(i)));
  EXPECT_EQ(state.phase, Checkout::Phase::paying);
  tell(outcome(Outcome::CAPTURED));
  EXPECT_EQ(state.phase, Checkout::Phase::completed);
  // A copy of the state a command takes minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace everfold::checkout
