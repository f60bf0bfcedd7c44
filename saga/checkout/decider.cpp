#include "saga/checkout/decider.hpp"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <utility>

#include "kernel/overloaded.hpp"

namespace everfold::checkout {
namespace {

using State = Checkout::State;
using Phase = Checkout::Phase;
using Stock = Checkout::Stock;
using Money = Checkout::Money;
using Events = std::vector<Event>;
using Outcome = v1::RecordPaymentOutcome;

bool is_open(const State& state) { return state.phase == Phase::reserving || state.phase == Phase::paying; }
bool may_hold(Money money) { return money == Money::asked || money == Money::captured || money == Money::stuck; }

template <class Message>
Message because(std::string_view reason) {
  Message event;
  event.set_reason(std::string(reason));
  return event;
}

template <class Message>
Message about(const std::string& sku) {
  Message event;
  event.set_sku(sku);
  return event;
}

// The lines that `chosen` picks.
template <class Message, class Chosen>
Message with_lines(const State& state, const Chosen& chosen) {
  Message event;
  for (const auto& line : state.lines)
    if (chosen(line)) *event.add_lines() = line.line;
  return event;
}

template <class Message>
Message with_all_lines(const State& state) {
  return with_lines<Message>(state, [](const Checkout::Line&) { return true; });
}

// ---- what the process asks for

v1::PaymentAsked ask_payment(const State& state) {
  v1::PaymentAsked event;
  event.set_payment_id(state.order.payment_id());
  if (state.order.has_customer_id()) event.set_customer_id(state.order.customer_id());
  *event.mutable_amount() = state.order.total();
  event.set_provider(state.order.provider());
  event.set_method(state.order.method());
  return event;
}

v1::PaymentReversalRequested reverse_payment(const State& state, std::string_view reason) {
  auto event = because<v1::PaymentReversalRequested>(reason);
  event.set_payment_id(state.order.payment_id());
  return event;
}

// Stock is reserved and there is nothing (more) to pay.
void complete(const State& state, const v1::OrderConfirmationRequested& confirmation, Events& events) {
  events.emplace_back(with_all_lines<v1::StockCommitRequested>(state));
  events.emplace_back(confirmation);
  events.emplace_back(v1::CheckoutCompleted{});
}

// What is known now, by the command at hand, and is not yet in the state.
struct News {
  std::size_t unanswered;
  Money money;
};
News no_news(const State& state) { return {state.unanswered, state.money}; }

void finish_if_undone(const News& now, std::string_view reason, Events& events) {
  if (now.unanswered > 0) return;
  if (now.money == Money::stuck) events.emplace_back(because<v1::CompensationFailed>(reason));
  if (!may_hold(now.money)) events.emplace_back(because<v1::CheckoutCancelled>(reason));
}

enum class Order { to_be_cancelled, cancelled_already };

// Everything done is undone: the compensation table of README.md.
void compensate(const State& state, const News& now, std::string_view reason, Order order, Events& events) {
  events.emplace_back(because<v1::CompensationStarted>(reason));
  if (state.phase == Phase::completed) {
    events.emplace_back(with_all_lines<v1::StockReturnRequested>(state));
  } else {
    auto release = with_lines<v1::StockReleaseRequested>(
        state, [](const Checkout::Line& line) { return line.stock == Stock::secured; });
    if (release.lines_size() > 0) events.emplace_back(std::move(release));
  }
  if (may_hold(now.money)) events.emplace_back(reverse_payment(state, reason));
  if (order == Order::to_be_cancelled) events.emplace_back(because<v1::OrderCancellationRequested>(reason));
  finish_if_undone(now, reason, events);
}

// ---- start

Decided<v1::CheckoutStarted> started(const v1::StartCheckout& command) {
  if (command.lines().empty()) return reject_field("lines", "must not be empty");
  if (command.total().amount() < 0) return reject_field("total", "must not be negative");
  if (!command.has_expires_at()) return reject_field("expiresAt", "must be set");
  if (command.payment_id().empty()) return reject_field("paymentId", "must be set");
  v1::CheckoutStarted event;
  if (command.has_customer_id()) event.set_customer_id(command.customer_id());
  *event.mutable_total() = command.total();
  event.set_provider(command.provider());
  event.set_method(command.method());
  event.set_payment_id(command.payment_id());
  std::map<std::string_view, int> at;
  for (const auto& line : command.lines()) {
    if (line.quantity() < 1) return reject_field("lines.quantity", "must be 1 or more");
    const auto [place, is_new] = at.try_emplace(line.sku(), event.lines_size());
    if (is_new) {
      *event.add_lines() = line;
    } else {
      auto& merged = *event.mutable_lines(place->second);
      merged.set_quantity(merged.quantity() + line.quantity());
    }
  }
  return event;
}

Decided<Events> start(const State& state, const v1::StartCheckout& command) {
  if (state.phase != Phase::absent) return Events{};
  auto event = started(command);
  if (!event) return std::move(event).error();
  v1::TimeoutScheduled timeout;
  *timeout.mutable_at() = command.expires_at();
  v1::StockRequested request;
  *request.mutable_lines() = event.value().lines();
  return Events{std::move(event).value(), std::move(timeout), std::move(request)};
}

// ---- inventory answers

const Checkout::Line* line_of(const State& state, const std::string& sku) {
  const auto place = state.at.find(sku);
  return place == state.at.end() ? nullptr : &state.lines[place->second];
}

Rejection not_mine(const std::string& sku) { return reject_field("sku", "'" + sku + "' is not part of this checkout"); }

// Reserved when it is not wanted any more. (In logs of before a repeated request was the same command, a line that was refused
// can still be reserved later.)
void release_late(const State& state, const Checkout::Line& line, Events& events) {
  v1::StockReleaseRequested release;
  *release.add_lines() = line.line;
  events.emplace_back(std::move(release));
  const bool was_awaited = line.stock == Stock::asked;
  if (was_awaited) finish_if_undone({state.unanswered - 1, state.money}, state.reason, events);
}

Decided<Events> stock_secured(const State& state, const v1::RecordStockSecured& command) {
  const auto* line = line_of(state, command.sku());
  if (!line) return not_mine(command.sku());
  if (line->stock == Stock::secured) return Events{};
  Events events{about<v1::StockSecured>(command.sku())};
  if (!is_open(state)) {
    release_late(state, *line, events);
  } else if (state.unanswered == 1) {
    if (state.order.total().amount() > 0)
      events.emplace_back(ask_payment(state));
    else
      complete(state, v1::OrderConfirmationRequested{}, events);
  }
  return events;
}

Decided<Events> stock_refused(const State& state, const v1::RecordStockRefused& command) {
  const auto* line = line_of(state, command.sku());
  if (!line) return not_mine(command.sku());
  if (line->stock != Stock::asked) return Events{};
  Events events{about<v1::StockRefused>(command.sku())};
  const News now{state.unanswered - 1, state.money};
  if (is_open(state))
    compensate(state, now, out_of_stock, Order::to_be_cancelled, events);
  else
    finish_if_undone(now, state.reason, events);
  return events;
}

// ---- payment answers

Events captured(const State& state, const Outcome& outcome) {
  // While compensating: the payer was quicker than the reversal, which refunds; REFUNDED is what ends it.
  if (state.phase != Phase::paying) return {};
  v1::PaymentSecured secured;
  secured.set_payment_id(outcome.payment_id());
  secured.set_payment_version(outcome.payment_version());
  v1::OrderConfirmationRequested confirmation;
  confirmation.set_payment_id(outcome.payment_id());
  confirmation.set_payment_version(outcome.payment_version());
  Events events{std::move(secured)};
  complete(state, confirmation, events);
  return events;
}

// The payment ended without money, or has given all of it back.
Events holds_nothing(const State& state, const Outcome& outcome) {
  if (!may_hold(state.money)) return {};
  if (state.phase == Phase::paying) {
    const bool declined = outcome.outcome() == Outcome::DECLINED;
    auto failed = because<v1::PaymentFailed>(declined ? payment_declined : Outcome::Outcome_Name(outcome.outcome()));
    failed.set_payment_version(outcome.payment_version());
    Events events{std::move(failed)};
    compensate(state, {state.unanswered, Money::none_held}, payment_declined, Order::to_be_cancelled, events);
    return events;
  }
  // What was captured goes back by refunds only.
  if (state.money != Money::asked && outcome.outcome() != Outcome::REFUNDED) return {};
  v1::PaymentSettled settled;
  settled.set_payment_version(outcome.payment_version());
  Events events{std::move(settled)};
  if (state.phase != Phase::completed) finish_if_undone({state.unanswered, Money::none_held}, state.reason, events);
  return events;
}

// No sale can come of this money, but it is held.
Events useless_money(const State& state, const Outcome& outcome) {
  auto failed = because<v1::PaymentFailed>(Outcome::Outcome_Name(outcome.outcome()));
  failed.set_payment_version(outcome.payment_version());
  failed.set_money_held(true);
  Events events{std::move(failed)};
  compensate(state, {state.unanswered, Money::captured}, payment_declined, Order::to_be_cancelled, events);
  return events;
}

Events wrong_amount(const State& state, const Outcome& outcome) {
  // While compensating, or after: payments gives it back by itself, as it does whatever comes late.
  return state.phase == Phase::paying ? useless_money(state, outcome) : Events{};
}

// Also after the end: of money that came too late.
Events reversal_failed(const State& state, const Outcome& outcome) {
  if (state.phase == Phase::paying) return useless_money(state, outcome);
  if (state.phase != Phase::compensating && state.phase != Phase::cancelled) return {};
  v1::PaymentReversalFailed failed;
  failed.set_payment_version(outcome.payment_version());
  Events events{std::move(failed)};
  finish_if_undone({state.unanswered, Money::stuck}, state.reason, events);
  return events;
}

Decided<Events> payment_outcome(const State& state, const Outcome& command) {
  if (state.money == Money::never_asked || command.payment_id() != state.order.payment_id())
    return reject_field("paymentId", "is not a payment that this checkout asked for");
  if (command.payment_version() <= state.payment_version) return Events{};
  switch (command.outcome()) {
    case Outcome::CAPTURED:
      return captured(state, command);
    case Outcome::DECLINED:
    case Outcome::VOIDED:
    case Outcome::REFUNDED:
      return holds_nothing(state, command);
    case Outcome::WRONG_AMOUNT:
      return wrong_amount(state, command);
    case Outcome::REVERSAL_FAILED:
      return reversal_failed(state, command);
    case Outcome::UNSPECIFIED:
    case v1::RecordPaymentOutcome_Outcome_RecordPaymentOutcome_Outcome_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::RecordPaymentOutcome_Outcome_RecordPaymentOutcome_Outcome_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return reject_field("outcome", "is unknown");
}

// ---- the end, from outside

Events order_cancelled(const State& state, const v1::RecordOrderCancelled& command) {
  Events events;
  if (is_open(state) || state.phase == Phase::completed)
    compensate(state, no_news(state), command.reason(), Order::cancelled_already, events);
  return events;
}

Events expire(const State& state) {
  Events events;
  if (is_open(state)) compensate(state, no_news(state), payment_timeout, Order::to_be_cancelled, events);
  return events;
}

// What is awaited is asked for again; whoever was asked before does nothing twice.
Events poke(const State& state) {
  Events events;
  if (state.unanswered > 0)
    events.emplace_back(
        with_lines<v1::StockRequested>(state, [](const Checkout::Line& line) { return line.stock == Stock::asked; }));
  if (state.phase == Phase::paying) events.emplace_back(ask_payment(state));
  const bool undoing = state.phase == Phase::compensating || state.phase == Phase::compensation_failed;
  if (undoing && may_hold(state.money)) events.emplace_back(reverse_payment(state, state.reason));
  return events;
}

void start(State& state, const v1::CheckoutStarted& event) {
  state.phase = Phase::reserving;
  state.order = event;
  state.order.clear_lines();
  state.lines.reserve(static_cast<std::size_t>(event.lines_size()));
  for (const auto& line : event.lines()) {
    state.at.emplace(line.sku(), state.lines.size());
    state.lines.push_back({line, Stock::asked});
  }
  state.unanswered = state.lines.size();
}

void answer(State& state, const std::string& sku, Stock stock) {
  const auto place = state.at.find(sku);
  if (place == state.at.end()) return;  // no such event is ever decided
  auto& line = state.lines[place->second];
  if (line.stock == Stock::asked) --state.unanswered;
  line.stock = stock;
}

void hear(State& state, Money money, int64_t payment_version) {
  state.money = money;
  state.payment_version = std::max(state.payment_version, payment_version);  // 0 in events of before it was kept
}

}  // namespace

Decided<Events> Checkout::decide(const State& state, const Command& command) {
  if (state.phase == Phase::absent && !std::holds_alternative<v1::StartCheckout>(command))
    return reject(Code::not_found, "There is no such checkout.");
  return std::visit(overloaded{
                        [&](const v1::StartCheckout& c) { return start(state, c); },
                        [&](const v1::RecordStockSecured& c) { return stock_secured(state, c); },
                        [&](const v1::RecordStockRefused& c) { return stock_refused(state, c); },
                        [&](const v1::RecordPaymentOutcome& c) { return payment_outcome(state, c); },
                        [&](const v1::RecordOrderCancelled& c) { return Decided<Events>(order_cancelled(state, c)); },
                        [&](const v1::Poke&) { return Decided<Events>(poke(state)); },
                        [&](const v1::Expire&) { return Decided<Events>(checkout::expire(state)); },
                    },
                    command);
}

Checkout::State Checkout::evolve(State state, const Event& event) {
  std::visit(overloaded{
                 [&](const v1::CheckoutStarted& e) { start(state, e); },
                 [](const v1::StockRequested&) {},
                 [](const v1::TimeoutScheduled&) {},
                 [&](const v1::StockSecured& e) { answer(state, e.sku(), Stock::secured); },
                 [&](const v1::StockRefused& e) { answer(state, e.sku(), Stock::refused); },
                 [&](const v1::PaymentAsked&) {
                   state.phase = Phase::paying;
                   state.money = Money::asked;
                 },
                 [&](const v1::PaymentSecured& e) { hear(state, Money::captured, e.payment_version()); },
                 [&](const v1::PaymentFailed& e) {
                   hear(state, e.money_held() ? Money::captured : Money::none_held, e.payment_version());
                 },
                 [](const v1::StockCommitRequested&) {},
                 [](const v1::OrderConfirmationRequested&) {},
                 [&](const v1::CheckoutCompleted&) { state.phase = Phase::completed; },
                 [&](const v1::CompensationStarted& e) {
                   state.phase = Phase::compensating;
                   state.reason = e.reason();
                 },
                 [](const v1::StockReleaseRequested&) {},
                 [](const v1::StockReturnRequested&) {},
                 [&](const v1::PaymentReversalRequested&) {
                   if (state.money == Money::stuck) state.money = Money::captured;
                   if (state.phase == Phase::compensation_failed) state.phase = Phase::compensating;
                 },
                 [&](const v1::PaymentSettled& e) { hear(state, Money::none_held, e.payment_version()); },
                 [](const v1::OrderCancellationRequested&) {},
                 [&](const v1::CheckoutCancelled&) { state.phase = Phase::cancelled; },
                 [&](const v1::PaymentReversalFailed& e) { hear(state, Money::stuck, e.payment_version()); },
                 [&](const v1::CompensationFailed&) { state.phase = Phase::compensation_failed; },
             },
             event);
  return state;
}

Timer Checkout::timer_of(const Event& event) {
  const Timer clear{Timer::Kind::clear, 0};
  return std::visit(
      overloaded{
          [](const v1::CheckoutStarted&) { return Timer{}; },
          [](const v1::StockRequested&) { return Timer{}; },
          [](const v1::TimeoutScheduled& e) {
            return Timer{Timer::Kind::set, google::protobuf::util::TimeUtil::TimestampToMilliseconds(e.at())};
          },
          [](const v1::StockSecured&) { return Timer{}; },
          [](const v1::StockRefused&) { return Timer{}; },
          [](const v1::PaymentAsked&) { return Timer{}; },
          [](const v1::PaymentSecured&) { return Timer{}; },
          [](const v1::PaymentFailed&) { return Timer{}; },
          [](const v1::StockCommitRequested&) { return Timer{}; },
          [](const v1::OrderConfirmationRequested&) { return Timer{}; },
          [&](const v1::CheckoutCompleted&) { return clear; },
          [&](const v1::CompensationStarted&) { return clear; },
          [](const v1::StockReleaseRequested&) { return Timer{}; },
          [](const v1::StockReturnRequested&) { return Timer{}; },
          [](const v1::PaymentReversalRequested&) { return Timer{}; },
          [](const v1::PaymentSettled&) { return Timer{}; },
          [](const v1::OrderCancellationRequested&) { return Timer{}; },
          [&](const v1::CheckoutCancelled&) { return clear; },
          [](const v1::PaymentReversalFailed&) { return Timer{}; },
          [&](const v1::CompensationFailed&) { return clear; },
      },
      event);
}

}  // namespace everfold::checkout
