#include "bench/order_history.hpp"

#include <stdexcept>
#include <utility>

#include "kernel/codec.hpp"
#include "kernel/ids.hpp"
#include "schemas/common/money.hpp"
#include "schemas/orders/v1/events.pb.h"

namespace everfold::bench {
namespace {

constexpr int64_t first_order_ms = 1'767'225'600'000;  // 2026-01-01
constexpr int64_t between_orders_ms = 250;
constexpr int64_t skus = 500;
constexpr int64_t customers = 5'000;

orders::v1::OrderPlaced placed(const PastOrder& order) {
  orders::v1::OrderPlaced event;
  event.set_order_number(order.number);
  if (order.customer_id) event.set_customer_id(*order.customer_id);
  event.set_cart_id(order.cart_id);
  for (const OrderLine& line : order.lines) {
    auto& added = *event.add_lines();
    added.set_sku(line.sku);
    added.set_name(line.name);
    added.set_quantity(line.quantity);
    *added.mutable_unit_price() = common::money(line.unit_price, currency);
    *added.mutable_line_total() = common::money(line.unit_price * line.quantity, currency);
  }
  *event.mutable_subtotal() = common::money(order.total, currency);
  *event.mutable_discount() = common::money(0, currency);
  *event.mutable_shipping() = common::money(0, currency);
  *event.mutable_total() = common::money(order.total, currency);
  event.mutable_payment()->set_provider("sandbox");
  event.mutable_payment()->set_method("approve");
  return event;
}

orders::v1::OrderPayment captured(const PastOrder& order) {
  orders::v1::OrderPayment payment;
  payment.set_id(payment_id_of_order(order.id));
  payment.set_status(orders::v1::OrderPayment::CAPTURED);
  payment.set_payment_version(2);
  return payment;
}

Encoded encoded(const PastOrder& order, int version) {
  switch (version) {
    case 1:
      return encode_message(placed(order));
    case 2:
      return encode_message(orders::v1::OrderStockReserved());
    case 3: {
      orders::v1::OrderPaymentUpdated event;
      *event.mutable_payment() = captured(order);
      return encode_message(event);
    }
    case 4: {
      orders::v1::OrderConfirmed event;
      *event.mutable_payment() = captured(order);
      return encode_message(event);
    }
    default:
      throw std::logic_error("an order's past has four events");
  }
}

}  // namespace

PastOrder past_order(int64_t place) {
  PastOrder order;
  order.cart_id = derive_id({"bench cart", std::to_string(place)});
  order.id = order_id_of_cart(order.cart_id);
  order.number = order_number(order.id);
  if (place % 4 != 0) order.customer_id = "customer-" + std::to_string(place * 7919 % customers);
  for (int64_t line = 0; line < 1 + place % 6; ++line) {
    const int64_t item = (place * 31 + line * 101) % skus;
    order.lines.push_back({"SKU-" + std::to_string(10'000 + item),
                           "A thing of the shop, number " + std::to_string(item), 1 + (place + line) % 3,
                           199 + item * 37 % 5'000});
    order.total += order.lines.back().unit_price * order.lines.back().quantity;
  }
  order.placed_ms = first_order_ms + place * between_orders_ms;
  return order;
}

StoredEvent past_event(const PastOrder& order, int version) {
  Encoded event = encoded(order, version);
  const std::string command_id = derive_id({order.id, std::to_string(version)});
  StoredEvent stored;
  stored.meta = {event_id(command_id, 1),
                 std::move(event.type),
                 "orders",
                 order.id,
                 version,
                 time_of(order, version),
                 order.cart_id,
                 command_id,
                 "",
                 version == 1 ? order.customer_id.value_or("") : "process:checkout"};
  stored.bytes = std::move(event.bytes);
  return stored;
}

}  // namespace everfold::bench
