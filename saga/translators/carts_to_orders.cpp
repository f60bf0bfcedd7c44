#include "saga/translators/carts_to_orders.hpp"

#include "kernel/ids.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/carts/events.hpp"
#include "schemas/orders/v1/commands.pb.h"

namespace everfold::carts_to_orders {
namespace {

orders::v1::PlaceOrder place_order(const std::string& cart_id, const carts::v1::CartCheckedOut& cart) {
  orders::v1::PlaceOrder command;
  if (cart.has_customer_id()) command.set_customer_id(cart.customer_id());
  command.set_cart_id(cart_id);
  for (const auto& line : cart.lines()) {
    auto& out = *command.add_lines();
    out.set_sku(line.sku());
    out.set_name(line.name());
    out.set_quantity(line.quantity());
    *out.mutable_unit_price() = line.unit_price();
  }
  command.set_currency(cart.currency());
  command.mutable_payment()->set_provider(cart.payment().provider());
  command.mutable_payment()->set_method(cart.payment().method());
  command.set_order_number(order_number(cart.order_id()));
  return command;
}

}  // namespace

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "translator:carts-orders");
  return translate<carts::Event>(
      event, overloaded{
                 [](const carts::v1::CartCreated&) { return Commands{}; },
                 [](const carts::v1::CartItemAdded&) { return Commands{}; },
                 [](const carts::v1::CartItemQuantityChanged&) { return Commands{}; },
                 [](const carts::v1::CartItemRemoved&) { return Commands{}; },
                 [&](const carts::v1::CartCheckedOut& cart) {
                   return Commands{translation.to(cart.order_id(), place_order(event.meta.aggregate_id, cart))};
                 },
             });
}

}  // namespace everfold::carts_to_orders
