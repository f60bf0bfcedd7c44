#include "command-side/payments/decider.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

#include "kernel/fields.hpp"
#include "kernel/ids.hpp"
#include "kernel/money.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/common/money.hpp"

namespace everfold::payments {
namespace {

using State = Payments::State;
using Status = Payments::Status;
using Refund = Payments::Refund;
using RefundStatus = Payments::RefundStatus;
using Reversal = Payments::Reversal;
using Events = std::vector<Event>;

constexpr std::size_t max_reason = 500;

Rejection no_payment() { return reject(Code::not_found, "There is no such payment; request it first."); }

bool open(const State& state) { return state.status == Status::requested || state.status == Status::pending; }

bool given_up(const State& state) { return state.status == Status::declined || state.status == Status::voided; }

v1::PaymentCaptured captured(const State& state, const std::string& provider_reference) {
  v1::PaymentCaptured event;
  event.set_order_id(state.order_id);
  event.set_provider_reference(provider_reference);
  *event.mutable_amount() = common::money(state.amount, state.currency);
  return event;
}

v1::PaymentDeclined declined(const State& state, const std::string& reason) {
  v1::PaymentDeclined event;
  event.set_order_id(state.order_id);
  event.set_reason(reason);
  return event;
}

struct RefundWish {
  std::string id;
  int64_t amount = 0;
  std::string reason;
  bool reversal = false;
};

v1::RefundRequested refund_requested(const State& state, const RefundWish& wish) {
  v1::RefundRequested event;
  event.set_order_id(state.order_id);
  event.set_refund_id(wish.id);
  *event.mutable_amount() = common::money(wish.amount, state.currency);
  event.set_reason(wish.reason);
  event.set_provider(state.provider);
  event.set_provider_reference(state.provider_reference);
  event.set_reversal(wish.reversal);
  return event;
}

// All that was captured goes back: what no refund has been asked for now, and what refunds fail to give back as they
// do.
void reverse_capture(const State& state, const std::string& refund_id, const std::string& reason, Events& events) {
  v1::ReversalRequested reversal;
  reversal.set_order_id(state.order_id);
  reversal.set_reason(reason);
  reversal.set_refund_id(refund_id);
  events.emplace_back(std::move(reversal));
  if (state.left() > 0) events.emplace_back(refund_requested(state, {refund_id, state.left(), reason, true}));
}

// A refund was answered while everything has to go back. What somebody else's refund failed to give back the reversal
// asks for itself; what the provider refused the reversal is stuck, once nothing is under way that could change it.
void go_on_reversing(const State& state, const std::string& answered, Events& events) {
  if (state.reversal != Reversal::asked || state.left() == 0) return;
  const Refund& refund = state.refunds.at(answered);
  if (refund.status == RefundStatus::failed && !refund.reversal) {
    const std::string id = derive_id({state.reversal_refund_id, answered});
    events.emplace_back(refund_requested(state, {id, state.left(), state.reversal_reason, true}));
  } else if (state.refunding == 0) {
    v1::ReversalFailed failed;
    failed.set_order_id(state.order_id);
    *failed.mutable_amount() = common::money(state.left(), state.currency);
    events.emplace_back(std::move(failed));
  }
}

Decided<Events> request(const State& state, const v1::RequestPayment& command) {
  if (state.status != Status::none) return Events{};
  FieldCheck fields;
  fields.that(!command.order_id().empty(), "orderId", "must be given")
      .that(!command.provider().empty(), "provider", "must be given")
      .that(!command.method().empty(), "method", "must be given")
      .money("amount", command.amount().amount(), command.amount().currency(), 1);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  v1::PaymentRequested requested;
  requested.set_order_id(command.order_id());
  if (command.has_customer_id()) requested.set_customer_id(command.customer_id());
  *requested.mutable_amount() = command.amount();
  requested.set_provider(command.provider());
  requested.set_method(command.method());
  return Events{std::move(requested)};
}

Decided<Events> record_pending(const State& state, const v1::RecordPending& command) {
  if (state.status == Status::none) return no_payment();
  if (state.status != Status::requested) return Events{};
  v1::PaymentPending pending;
  pending.set_order_id(state.order_id);
  pending.set_provider_reference(command.provider_reference());
  if (command.has_redirect_url()) pending.set_redirect_url(command.redirect_url());
  return Events{std::move(pending)};
}

// What nobody waits for, or nobody asked for, goes back at once.
Events unwanted_capture(const State& state, Event capture, std::string_view what, const std::string& reason) {
  Events events{std::move(capture)};
  const State paid = Payments::evolve(state, events.front());
  reverse_capture(paid, derive_id({what, state.order_id}), reason, events);
  return events;
}

Events wrong_capture(const State& state, const v1::RecordCapture& command) {
  if (command.amount().amount() < 1)
    return open(state) ? Events{declined(state, "The provider took nothing.")} : Events{};
  v1::WrongAmountCaptured wrong;
  wrong.set_order_id(state.order_id);
  wrong.set_provider_reference(command.provider_reference());
  *wrong.mutable_amount() = command.amount();
  return unwanted_capture(state, std::move(wrong), "wrong amount",
                          "The provider took another amount than it was asked to.");
}

Decided<Events> record_capture(const State& state, const v1::RecordCapture& command) {
  if (state.status == Status::none) return no_payment();
  if (!open(state) && !given_up(state)) return Events{};
  const auto& amount = command.amount();
  if (command.has_amount() && (amount.amount() != state.amount || amount.currency() != state.currency))
    return wrong_capture(state, command);
  const auto capture = captured(state, command.provider_reference());
  if (open(state)) return Events{capture};
  return unwanted_capture(state, capture, "late capture", "The payment had been given up before.");
}

Decided<Events> record_decline(const State& state, const v1::RecordDecline& command) {
  if (state.status == Status::none) return no_payment();
  if (!open(state)) return Events{};
  return Events{declined(state, command.reason())};
}

Decided<Events> complete_sandbox(const State& state, const v1::CompleteSandboxPayment& command) {
  using Outcome = v1::CompleteSandboxPayment;
  if (state.status == Status::none) return no_payment();
  FieldCheck fields;
  fields.that(command.outcome() == Outcome::approve || command.outcome() == Outcome::decline, "outcome",
              "must be approve or decline");
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (state.status != Status::pending || state.provider != "sandbox" || state.method != "manual")
    return reject(Code::payment_not_open,
                  "The payment is not waiting for its payer on the sandbox's page; look at its status.");
  if (command.outcome() == Outcome::decline) return Events{declined(state, "The payer declined.")};
  return Events{captured(state, "sandbox-" + derive_id({"sandbox capture", state.order_id}))};
}

// What the wish says, or all that is left when it names no amount.
Decided<int64_t> amount_to_refund(const State& state, const v1::RequestRefund& command) {
  if (!command.has_amount()) {
    if (state.left() > 0) return state.left();
    return reject(Code::refund_exceeds_captured, "Nothing captured is left to refund.");
  }
  const auto& wanted = command.amount();
  if (wanted.currency() != state.currency)
    return reject_about(Code::currency_mismatch, "amount.currency",
                        "The payment is in " + state.currency + "; refund in it.");
  if (wanted.amount() > state.left())
    return reject_about(Code::refund_exceeds_captured, "amount.amount",
                        "Only " + std::to_string(state.left()) + " is left to refund; ask for at most that.");
  return wanted.amount();
}

Decided<Events> request_refund(const State& state, const v1::RequestRefund& command) {
  if (state.status == Status::none) return no_payment();
  FieldCheck fields;
  fields.required_text("reason", command.reason(), max_reason)
      .that(!command.refund_id().empty(), "refundId", "must be given");
  if (command.has_amount()) fields.money("amount", command.amount().amount(), command.amount().currency(), 1);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (state.refunds.contains(command.refund_id())) return Events{};
  const auto amount = amount_to_refund(state, command);
  if (!amount) return amount.error();
  return Events{refund_requested(state, {command.refund_id(), amount.value(), command.reason()})};
}

// The refund that the provider has yet to answer; null: none of that id.
const Refund* unanswered(const State& state, const std::string& refund_id) {
  const auto refund = state.refunds.find(refund_id);
  if (refund == state.refunds.end() || refund->second.status != RefundStatus::requested) return nullptr;
  return &refund->second;
}

template <class Answer>
Events and_go_on(const State& state, Answer answer) {
  Events events{std::move(answer)};
  go_on_reversing(Payments::evolve(state, events.front()), std::get<Answer>(events.front()).refund_id(), events);
  return events;
}

Decided<Events> record_refund(const State& state, const v1::RecordRefund& command) {
  if (state.status == Status::none) return no_payment();
  const Refund* refund = unanswered(state, command.refund_id());
  if (refund == nullptr) return Events{};
  v1::PaymentRefunded refunded;
  refunded.set_order_id(state.order_id);
  refunded.set_refund_id(command.refund_id());
  *refunded.mutable_amount() = common::money(refund->amount, state.currency);
  refunded.set_provider_reference(command.provider_reference());
  refunded.set_full(state.refunded + refund->amount == state.captured);
  return and_go_on(state, std::move(refunded));
}

Decided<Events> record_refund_failure(const State& state, const v1::RecordRefundFailure& command) {
  if (state.status == Status::none) return no_payment();
  const Refund* refund = unanswered(state, command.refund_id());
  if (refund == nullptr) return Events{};
  v1::RefundFailed failed;
  failed.set_order_id(state.order_id);
  failed.set_refund_id(command.refund_id());
  *failed.mutable_amount() = common::money(refund->amount, state.currency);
  failed.set_reason(command.reason());
  return and_go_on(state, std::move(failed));
}

Decided<Events> reverse(const State& state, const v1::ReversePayment& command) {
  if (state.status == Status::none) return no_payment();
  FieldCheck fields;
  fields.required_text("reason", command.reason(), max_reason)
      .that(!command.refund_id().empty(), "refundId", "must be given");
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (open(state)) {
    v1::PaymentVoided voided;
    voided.set_order_id(state.order_id);
    voided.set_reason(command.reason());
    voided.set_provider(state.provider);
    if (!state.provider_reference.empty()) voided.set_provider_reference(state.provider_reference);
    return Events{std::move(voided)};
  }
  const bool known = state.reversal_refund_id == command.refund_id() || state.refunds.contains(command.refund_id());
  Events events;
  if (state.refunded < state.captured && state.reversal != Reversal::asked && !known)
    reverse_capture(state, command.refund_id(), command.reason(), events);
  return events;
}

void take_request(State& state, const v1::PaymentRequested& event) {
  state.status = Status::requested;
  state.order_id = event.order_id();
  state.currency = event.amount().currency();
  state.amount = event.amount().amount();
  state.provider = event.provider();
  state.method = event.method();
}

template <class Capture>
void capture(State& state, const Capture& event) {
  state.status = Status::captured;
  state.captured = event.amount().amount();
  state.provider_reference = event.provider_reference();
}

void answer_refund(State& state, const std::string& refund_id, RefundStatus answer) {
  Refund& refund = state.refunds[refund_id];
  refund.status = answer;
  state.refunding -= refund.amount;
  if (answer == RefundStatus::done) state.refunded += refund.amount;
}

}  // namespace

Decided<std::vector<Event>> Payments::decide(const State& state, const Command& command) {
  return std::visit(overloaded{
                        [&](const v1::RequestPayment& c) { return request(state, c); },
                        [&](const v1::RecordPending& c) { return record_pending(state, c); },
                        [&](const v1::RecordCapture& c) { return record_capture(state, c); },
                        [&](const v1::RecordDecline& c) { return record_decline(state, c); },
                        [&](const v1::CompleteSandboxPayment& c) { return complete_sandbox(state, c); },
                        [&](const v1::RequestRefund& c) { return request_refund(state, c); },
                        [&](const v1::RecordRefund& c) { return record_refund(state, c); },
                        [&](const v1::RecordRefundFailure& c) { return record_refund_failure(state, c); },
                        [&](const v1::ReversePayment& c) { return reverse(state, c); },
                    },
                    command);
}

Payments::State Payments::evolve(State state, const Event& event) {
  std::visit(overloaded{
                 [&](const v1::PaymentRequested& e) { take_request(state, e); },
                 [&](const v1::PaymentPending& e) {
                   state.status = Status::pending;
                   state.provider_reference = e.provider_reference();
                 },
                 [&](const v1::PaymentCaptured& e) { capture(state, e); },
                 [&](const v1::PaymentDeclined&) { state.status = Status::declined; },
                 [&](const v1::PaymentVoided&) { state.status = Status::voided; },
                 [&](const v1::RefundRequested& e) {
                   state.refunds[e.refund_id()] = {e.amount().amount(), RefundStatus::requested, e.reversal()};
                   state.refunding += e.amount().amount();
                 },
                 [&](const v1::PaymentRefunded& e) { answer_refund(state, e.refund_id(), RefundStatus::done); },
                 [&](const v1::RefundFailed& e) { answer_refund(state, e.refund_id(), RefundStatus::failed); },
                 [&](const v1::WrongAmountCaptured& e) {
                   capture(state, e);
                   state.currency = e.amount().currency();
                 },
                 [&](const v1::ReversalRequested& e) {
                   state.reversal = Reversal::asked;
                   state.reversal_refund_id = e.refund_id();
                   state.reversal_reason = e.reason();
                 },
                 [&](const v1::ReversalFailed&) { state.reversal = Reversal::failed; },
             },
             event);
  return state;
}

}  // namespace everfold::payments
