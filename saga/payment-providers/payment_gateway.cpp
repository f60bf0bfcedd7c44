#include "saga/payment-providers/payment_gateway.hpp"

#include "kernel/overloaded.hpp"
#include "schemas/payments/v1/commands.pb.h"

namespace everfold::payment_providers {
namespace {

namespace pay = payments::v1;

constexpr std::string_view actor = "translator:payments-providers";

pay::RecordCapture capture_of(const Captured& captured) {
  pay::RecordCapture command;
  command.set_provider_reference(captured.reference);
  if (captured.amount) *command.mutable_amount() = *captured.amount;
  return command;
}

pay::RecordPending pending_of(const Pending& pending) {
  pay::RecordPending command;
  command.set_provider_reference(pending.reference);
  if (pending.redirect_url) command.set_redirect_url(*pending.redirect_url);
  return command;
}

pay::RecordDecline decline_of(const std::string& reason) {
  pay::RecordDecline command;
  command.set_reason(reason);
  return command;
}

pay::RecordRefund refund_of(const std::string& refund_id, const Refunded& refunded) {
  pay::RecordRefund command;
  command.set_refund_id(refund_id);
  command.set_provider_reference(refunded.reference);
  return command;
}

pay::RecordRefundFailure refund_failure_of(const std::string& refund_id, const RefundDeclined& declined) {
  pay::RecordRefundFailure command;
  command.set_refund_id(refund_id);
  command.set_reason(declined.reason);
  return command;
}

Decided<Commands> try_again(const std::string& provider, const Unavailable& why) {
  return reject(Code::unavailable, "payment provider " + provider + ": " + why.message);
}

}  // namespace

Translator::Reacted PaymentGateway::react(const StoredEvent& event, ProviderCalls& calls) const {
  const auto callee = callee_of(event);
  if (!callee) return react(event);
  return calls.ask(*callee, event.meta.id, [this, event] { return react(event); });
}

std::optional<std::string> PaymentGateway::callee_of(const StoredEvent& event) const {
  const auto read = read_event<payments::Event>(event);
  if (!read) return std::nullopt;
  const std::optional<std::string> nobody;
  const auto callee =
      std::visit(overloaded{
                     [](const pay::PaymentRequested& payment) { return std::optional(payment.provider()); },
                     [&](const pay::PaymentPending&) { return nobody; },
                     [&](const pay::PaymentCaptured&) { return nobody; },
                     [&](const pay::PaymentDeclined&) { return nobody; },
                     [](const pay::PaymentVoided& payment) { return std::optional(payment.provider()); },
                     [](const pay::RefundRequested& payment) { return std::optional(payment.provider()); },
                     [&](const pay::PaymentRefunded&) { return nobody; },
                     [&](const pay::RefundFailed&) { return nobody; },
                     [&](const pay::WrongAmountCaptured&) { return nobody; },
                     [&](const pay::ReversalRequested&) { return nobody; },
                     [&](const pay::ReversalFailed&) { return nobody; },
                 },
                 read.value());
  const auto* provider = callee ? registry_.find(*callee) : nullptr;
  return provider && provider->calls_out() ? callee : nobody;
}

Decided<Commands> PaymentGateway::react(const StoredEvent& event) const {
  auto read = read_event<payments::Event>(event);
  if (!read) return std::move(read).error();
  const Decided<Commands> nothing_to_do = Commands{};
  return std::visit(overloaded{
                        [&](const pay::PaymentRequested& payment) { return charge(event.meta, payment); },
                        [&](const pay::PaymentPending&) { return nothing_to_do; },
                        [&](const pay::PaymentCaptured&) { return nothing_to_do; },
                        [&](const pay::PaymentDeclined&) { return nothing_to_do; },
                        [&](const pay::PaymentVoided& payment) { return cancel(event.meta, payment); },
                        [&](const pay::RefundRequested& payment) { return refund(event.meta, payment); },
                        [&](const pay::PaymentRefunded&) { return nothing_to_do; },
                        [&](const pay::RefundFailed&) { return nothing_to_do; },
                        [&](const pay::WrongAmountCaptured&) { return nothing_to_do; },
                        [&](const pay::ReversalRequested&) { return nothing_to_do; },
                        [&](const pay::ReversalFailed&) { return nothing_to_do; },
                    },
                    read.value());
}

Decided<Commands> PaymentGateway::charge(const EventMeta& meta, const pay::PaymentRequested& payment) const {
  const Translation translation(meta, actor);
  const auto to_payment = [&](const auto& command) {
    return Decided<Commands>(Commands{translation.to(meta.aggregate_id, command)});
  };
  auto* provider = registry_.find(payment.provider());
  // No money can have moved, and the checkout must hear something.
  if (!provider) return to_payment(decline_of("UNKNOWN_PROVIDER"));
  ChargeRequest request;
  request.payment_id = meta.aggregate_id;
  request.order_id = payment.order_id();
  if (payment.has_customer_id()) request.customer_id = payment.customer_id();
  request.amount = payment.amount();
  request.method = payment.method();
  if (!return_url_.empty()) request.return_url = return_url_ + payment.order_id();
  request.requested_at_ms = meta.time_ms;
  return std::visit(overloaded{
                        [&](const Captured& captured) { return to_payment(capture_of(captured)); },
                        [&](const Pending& pending) { return to_payment(pending_of(pending)); },
                        [&](const Declined& declined) { return to_payment(decline_of(declined.reason)); },
                        [&](const Unavailable& why) { return try_again(payment.provider(), why); },
                    },
                    provider->charge(request));
}

Decided<Commands> PaymentGateway::refund(const EventMeta& meta, const pay::RefundRequested& payment) const {
  const Translation translation(meta, actor);
  const auto to_payment = [&](const auto& command) {
    return Decided<Commands>(Commands{translation.to(meta.aggregate_id, command)});
  };
  auto* provider = registry_.find(payment.provider());
  // It holds the payer's money, so it was known once: whoever runs the shop must configure it again.
  if (!provider)
    return reject(Code::internal, "payment provider " + payment.provider() + " is not configured, but refund " +
                                      payment.refund_id() + " of payment " + meta.aggregate_id + " is due from it");
  RefundRequest request;
  request.payment_id = meta.aggregate_id;
  request.refund_id = payment.refund_id();
  request.capture_reference = payment.provider_reference();
  request.amount = payment.amount();
  request.reason = payment.reason();
  request.requested_at_ms = meta.time_ms;
  return std::visit(
      overloaded{
          [&](const Refunded& refunded) { return to_payment(refund_of(payment.refund_id(), refunded)); },
          [](const RefundPending&) { return Decided<Commands>(Commands{}); },
          [&](const RefundDeclined& declined) { return to_payment(refund_failure_of(payment.refund_id(), declined)); },
          [&](const InProgress&) {
            return Decided<Commands>(
                reject(Code::too_many_requests, "payment provider " + payment.provider() + " is still at the refund"));
          },
          [&](const Unavailable& why) { return try_again(payment.provider(), why); },
      },
      provider->refund(request));
}

Decided<Commands> PaymentGateway::cancel(const EventMeta& meta, const pay::PaymentVoided& payment) const {
  const Translation translation(meta, actor);
  auto* provider = registry_.find(payment.provider());
  // One that it never had is declined when it is charged: there is nothing to cancel. What it had may be paid yet.
  if (!provider && !payment.has_provider_reference()) return Commands{};
  if (!provider)
    return reject(Code::internal, "payment provider " + payment.provider() + " is not configured, but payment " +
                                      meta.aggregate_id + " (there " + payment.provider_reference() +
                                      ") is to be cancelled there");
  CancelRequest request;
  request.payment_id = meta.aggregate_id;
  if (payment.has_provider_reference()) request.reference = payment.provider_reference();
  return std::visit(overloaded{
                        [](const Cancelled&) { return Decided<Commands>(Commands{}); },
                        [&](const Captured& captured) {
                          return Decided<Commands>(Commands{translation.to(meta.aggregate_id, capture_of(captured))});
                        },
                        [&](const Unavailable& why) { return try_again(payment.provider(), why); },
                    },
                    provider->cancel(request));
}

}  // namespace everfold::payment_providers
