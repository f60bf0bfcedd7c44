#include "saga/translators/payments_to_orders.hpp"

#include "kernel/overloaded.hpp"
#include "schemas/orders/v1/commands.pb.h"
#include "schemas/payments/events.hpp"

namespace everfold::payments_to_orders {

using orders::v1::OrderPayment;

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "translator:payments-orders");
  const auto record = [&](const std::string& order_id, OrderPayment::Status status,
                          const std::string* redirect_url = nullptr) {
    orders::v1::RecordPayment command;
    OrderPayment& payment = *command.mutable_payment();
    payment.set_id(event.meta.aggregate_id);
    payment.set_status(status);
    if (redirect_url) payment.set_redirect_url(*redirect_url);
    payment.set_payment_version(event.meta.version);
    return Commands{translation.to(order_id, command)};
  };
  return translate<payments::Event>(
      event,
      overloaded{
          [&](const payments::v1::PaymentRequested& payment) {
            return record(payment.order_id(), OrderPayment::REQUESTED);
          },
          [&](const payments::v1::PaymentPending& payment) {
            return record(payment.order_id(), OrderPayment::PENDING,
                          payment.has_redirect_url() ? &payment.redirect_url() : nullptr);
          },
          [&](const payments::v1::PaymentCaptured& payment) {
            return record(payment.order_id(), OrderPayment::CAPTURED);
          },
          [&](const payments::v1::PaymentDeclined& payment) {
            return record(payment.order_id(), OrderPayment::DECLINED);
          },
          [&](const payments::v1::PaymentVoided& payment) { return record(payment.order_id(), OrderPayment::VOIDED); },
          // A refund changes the status when it is done, not when it is asked for or has failed.
          [](const payments::v1::RefundRequested&) { return Commands{}; },
          [&](const payments::v1::PaymentRefunded& payment) {
            return record(payment.order_id(),
                          payment.full() ? OrderPayment::REFUNDED : OrderPayment::PARTIALLY_REFUNDED);
          },
          [](const payments::v1::RefundFailed&) { return Commands{}; },
          [&](const payments::v1::WrongAmountCaptured& payment) {
            return record(payment.order_id(), OrderPayment::CAPTURED);
          },
          [](const payments::v1::ReversalRequested&) { return Commands{}; },
          // What is held stays CAPTURED or PARTIALLY_REFUNDED, which is true.
          [](const payments::v1::ReversalFailed&) { return Commands{}; },
      });
}

}  // namespace everfold::payments_to_orders
