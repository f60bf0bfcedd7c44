#include "saga/translators/checkout_to_payments.hpp"

#include "kernel/ids.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/payments/v1/commands.pb.h"

namespace everfold::checkout_to_payments {
namespace {

payments::v1::RequestPayment request_payment(const std::string& order_id, const checkout::v1::PaymentAsked& asked) {
  payments::v1::RequestPayment command;
  command.set_order_id(order_id);
  if (asked.has_customer_id()) command.set_customer_id(asked.customer_id());
  *command.mutable_amount() = asked.amount();
  command.set_provider(asked.provider());
  command.set_method(asked.method());
  return command;
}

payments::v1::ReversePayment reverse_payment(const EventMeta& cause,
                                             const checkout::v1::PaymentReversalRequested& asked) {
  payments::v1::ReversePayment command;
  command.set_reason(asked.reason());
  command.set_refund_id(derive_id({cause.id, "refund"}));
  return command;
}

}  // namespace

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "process:checkout");
  return translate<checkout::Event>(
      event, overloaded{
                 [](const checkout::v1::CheckoutStarted&) { return Commands{}; },
                 [](const checkout::v1::StockRequested&) { return Commands{}; },
                 [](const checkout::v1::TimeoutScheduled&) { return Commands{}; },
                 [](const checkout::v1::StockSecured&) { return Commands{}; },
                 [](const checkout::v1::StockRefused&) { return Commands{}; },
                 [&](const checkout::v1::PaymentAsked& asked) {
                   return Commands{translation.to(asked.payment_id(), request_payment(event.meta.aggregate_id, asked))};
                 },
                 [](const checkout::v1::PaymentSecured&) { return Commands{}; },
                 [](const checkout::v1::PaymentFailed&) { return Commands{}; },
                 [](const checkout::v1::StockCommitRequested&) { return Commands{}; },
                 [](const checkout::v1::OrderConfirmationRequested&) { return Commands{}; },
                 [](const checkout::v1::CheckoutCompleted&) { return Commands{}; },
                 [](const checkout::v1::CompensationStarted&) { return Commands{}; },
                 [](const checkout::v1::StockReleaseRequested&) { return Commands{}; },
                 [](const checkout::v1::StockReturnRequested&) { return Commands{}; },
                 [&](const checkout::v1::PaymentReversalRequested& asked) {
                   return Commands{translation.to(asked.payment_id(), reverse_payment(event.meta, asked))};
                 },
                 [](const checkout::v1::PaymentSettled&) { return Commands{}; },
                 [](const checkout::v1::OrderCancellationRequested&) { return Commands{}; },
                 [](const checkout::v1::CheckoutCancelled&) { return Commands{}; },
                 [](const checkout::v1::PaymentReversalFailed&) { return Commands{}; },
                 [](const checkout::v1::CompensationFailed&) { return Commands{}; },
             });
}

}  // namespace everfold::checkout_to_payments
