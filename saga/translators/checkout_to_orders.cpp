#include "saga/translators/checkout_to_orders.hpp"

#include "kernel/overloaded.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/orders/v1/commands.pb.h"

namespace everfold::checkout_to_orders {
namespace {

orders::v1::ConfirmOrder confirm_order(const checkout::v1::OrderConfirmationRequested& asked) {
  orders::v1::ConfirmOrder command;
  if (asked.has_payment_id()) {
    command.mutable_payment()->set_id(asked.payment_id());
    command.mutable_payment()->set_status(orders::v1::OrderPayment::CAPTURED);
    command.mutable_payment()->set_payment_version(asked.payment_version());
  }
  return command;
}

orders::v1::CancelOrder cancel_order(const checkout::v1::OrderCancellationRequested& asked) {
  orders::v1::CancelOrder command;
  command.set_reason(asked.reason());
  return command;
}

}  // namespace

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "process:checkout");
  const std::string& order_id = event.meta.aggregate_id;
  return translate<checkout::Event>(
      event,
      overloaded{
          [](const checkout::v1::CheckoutStarted&) { return Commands{}; },
          [](const checkout::v1::StockRequested&) { return Commands{}; },
          [](const checkout::v1::TimeoutScheduled&) { return Commands{}; },
          [](const checkout::v1::StockSecured&) { return Commands{}; },
          [](const checkout::v1::StockRefused&) { return Commands{}; },
          // Money is asked for when every line is reserved; an order that costs nothing goes on to its confirmation.
          [&](const checkout::v1::PaymentAsked&) {
            return Commands{translation.to(order_id, orders::v1::MarkStockReserved{})};
          },
          [](const checkout::v1::PaymentSecured&) { return Commands{}; },
          [](const checkout::v1::PaymentFailed&) { return Commands{}; },
          [](const checkout::v1::StockCommitRequested&) { return Commands{}; },
          [&](const checkout::v1::OrderConfirmationRequested& asked) {
            return Commands{translation.to(order_id, confirm_order(asked))};
          },
          [](const checkout::v1::CheckoutCompleted&) { return Commands{}; },
          [](const checkout::v1::CompensationStarted&) { return Commands{}; },
          [](const checkout::v1::StockReleaseRequested&) { return Commands{}; },
          [](const checkout::v1::StockReturnRequested&) { return Commands{}; },
          [](const checkout::v1::PaymentReversalRequested&) { return Commands{}; },
          [](const checkout::v1::PaymentSettled&) { return Commands{}; },
          [&](const checkout::v1::OrderCancellationRequested& asked) {
            return Commands{translation.to(order_id, cancel_order(asked))};
          },
          [](const checkout::v1::CheckoutCancelled&) { return Commands{}; },
          [](const checkout::v1::PaymentReversalFailed&) { return Commands{}; },
          [](const checkout::v1::CompensationFailed&) { return Commands{}; },
      });
}

}  // namespace everfold::checkout_to_orders
