#include "saga/translators/payments_to_checkout.hpp"

#include "kernel/overloaded.hpp"
#include "schemas/checkout/v1/commands.pb.h"
#include "schemas/payments/events.hpp"

namespace everfold::payments_to_checkout {

using checkout::v1::RecordPaymentOutcome;

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "translator:payments-checkout");
  const auto outcome = [&](const std::string& order_id, RecordPaymentOutcome::Outcome what) {
    RecordPaymentOutcome command;
    command.set_payment_id(event.meta.aggregate_id);
    command.set_outcome(what);
    command.set_payment_version(event.meta.version);
    return Commands{translation.to(order_id, command)};
  };
  return translate<payments::Event>(
      event, overloaded{
                 [](const payments::v1::PaymentRequested&) { return Commands{}; },
                 [](const payments::v1::PaymentPending&) { return Commands{}; },
                 [&](const payments::v1::PaymentCaptured& payment) {
                   return outcome(payment.order_id(), RecordPaymentOutcome::CAPTURED);
                 },
                 [&](const payments::v1::PaymentDeclined& payment) {
                   return outcome(payment.order_id(), RecordPaymentOutcome::DECLINED);
                 },
                 [&](const payments::v1::PaymentVoided& payment) {
                   return outcome(payment.order_id(), RecordPaymentOutcome::VOIDED);
                 },
                 [](const payments::v1::RefundRequested&) { return Commands{}; },
                 [&](const payments::v1::PaymentRefunded& payment) {
                   return payment.full() ? outcome(payment.order_id(), RecordPaymentOutcome::REFUNDED) : Commands{};
                 },
                 [](const payments::v1::RefundFailed&) { return Commands{}; },
                 [&](const payments::v1::WrongAmountCaptured& payment) {
                   return outcome(payment.order_id(), RecordPaymentOutcome::WRONG_AMOUNT);
                 },
                 [](const payments::v1::ReversalRequested&) { return Commands{}; },
                 [&](const payments::v1::ReversalFailed& payment) {
                   return outcome(payment.order_id(), RecordPaymentOutcome::REVERSAL_FAILED);
                 },
             });
}

}  // namespace everfold::payments_to_checkout
