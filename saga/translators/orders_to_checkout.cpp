#include "saga/translators/orders_to_checkout.hpp"

#include <google/protobuf/util/time_util.h>

#include "kernel/ids.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/checkout/v1/commands.pb.h"
#include "schemas/orders/events.hpp"

namespace everfold::orders_to_checkout {
namespace {

checkout::v1::StartCheckout start_checkout(const EventMeta& meta, const orders::v1::OrderPlaced& order,
                                           int64_t payment_timeout_ms) {
  checkout::v1::StartCheckout command;
  if (order.has_customer_id()) command.set_customer_id(order.customer_id());
  for (const auto& line : order.lines()) {
    auto& out = *command.add_lines();
    out.set_sku(line.sku());
    out.set_quantity(line.quantity());
  }
  *command.mutable_total() = order.total();
  command.set_provider(order.payment().provider());
  command.set_method(order.payment().method());
  *command.mutable_expires_at() =
      google::protobuf::util::TimeUtil::MillisecondsToTimestamp(meta.time_ms + payment_timeout_ms);
  command.set_payment_id(payment_id_of_order(meta.aggregate_id));
  return command;
}

checkout::v1::RecordOrderCancelled order_cancelled(const orders::v1::OrderCancelled& order) {
  checkout::v1::RecordOrderCancelled command;
  command.set_reason(order.reason());
  return command;
}

}  // namespace

Decided<Commands> react(const StoredEvent& event, int64_t payment_timeout_ms) {
  const Translation translation(event.meta, "translator:orders-checkout");
  const std::string& order_id = event.meta.aggregate_id;
  return translate<orders::Event>(
      event, overloaded{
                 [&](const orders::v1::OrderPlaced& order) {
                   return Commands{translation.to(order_id, start_checkout(event.meta, order, payment_timeout_ms))};
                 },
                 [](const orders::v1::OrderStockReserved&) { return Commands{}; },
                 [](const orders::v1::OrderPaymentUpdated&) { return Commands{}; },
                 [](const orders::v1::OrderConfirmed&) { return Commands{}; },
                 [&](const orders::v1::OrderCancelled& order) {
                   return Commands{translation.to(order_id, order_cancelled(order))};
                 },
                 [](const orders::v1::OrderRefunded&) { return Commands{}; },
             });
}

}  // namespace everfold::orders_to_checkout
