#include "tests/simulator/workload.hpp"

#include "command-side/inventory/decider.hpp"
#include "command-side/orders/decider.hpp"
#include "saga/checkout/decider.hpp"

namespace everfold::simulator {
namespace {

inventory::Inventory::Command stock_command(Random& random) {
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      inventory::v1::ReceiveStock receive;
      receive.set_quantity(random.between(1, 9));
      return receive;
    }
    case 3:
    case 4: {
      inventory::v1::AdjustStock adjust;
      adjust.set_delta(random.between(-9, 3));
      adjust.set_reason("counted");
      return adjust;
    }
    case 5: {
      inventory::v1::SetLowStockThreshold threshold;
      threshold.set_low_stock(random.between(0, 3));
      return threshold;
    }
    case 6: {
      inventory::v1::ReserveStock reserve;
      reserve.set_order_id("order-" + std::to_string(random.below(4)));
      reserve.set_quantity(random.between(1, 9));
      return reserve;
    }
    default: {
      inventory::v1::ReleaseStock release;
      release.set_order_id("order-" + std::to_string(random.below(4)));
      return release;
    }
  }
}

// Stock that no order has promised may change beside the checkouts.
inventory::Inventory::Command delivery(Random& random) {
  if (random.one_in(4)) {
    inventory::v1::AdjustStock adjust;
    adjust.set_delta(random.between(-3, 3));
    adjust.set_reason("counted");
    return adjust;
  }
  inventory::v1::ReceiveStock receive;
  receive.set_quantity(random.between(1, 9));
  return receive;
}

}  // namespace

Wish Workload::next() { return plan_.saga && !universe_.random.one_in(3) ? about_an_order() : about_stock(); }

Wish Workload::wish(const std::string& context, std::string aggregate_id, Encoded body) {
  Random& random = universe_.random;
  Wish made;
  made.command = {{}, std::move(body.type), std::move(body.bytes)};
  CommandMeta& meta = made.command.meta;
  meta.id = "wish-" + std::to_string(++made_);
  meta.context = context;
  meta.aggregate_id = std::move(aggregate_id);
  meta.time_ms = universe_.now_ms;
  meta.correlation_id = "correlation of " + meta.id;
  meta.actor = "client";
  meta.digest = "digest " + std::to_string(made_);
  made.with_key = !random.one_in(3);
  if (made.with_key && random.one_in(12))  // a key that was used before for this aggregate, for another request
    if (const auto used = keys_.find(meta.aggregate_id); used != keys_.end()) meta.id = used->second;
  if (made.with_key) keys_[meta.aggregate_id] = meta.id;
  meta.fresh_id = !made.with_key;
  if (const auto known = versions_.find(meta.aggregate_id); known != versions_.end() && random.one_in(4))
    meta.expected_version = known->second;
  return made;
}

Wish Workload::about_stock() {
  Random& random = universe_.random;
  return wish("inventory", sku(), encode(plan_.saga ? delivery(random) : stock_command(random)));
}

Wish Workload::about_an_order() {
  if (orders_ == 0 || !universe_.random.one_in(5)) return place_order();
  if (universe_.random.one_in(2))  // an operator's, of the one that was begun last
    return wish("checkout", "order-" + std::to_string(orders_ - 1), encode_message(checkout::v1::Poke{}));
  orders::v1::CancelOrder cancel;
  cancel.set_reason("changed my mind");
  return wish("orders", "order-" + std::to_string(universe_.random.below(orders_)), encode_message(cancel));
}

Wish Workload::place_order() {
  Random& random = universe_.random;
  const std::string id = "order-" + std::to_string(orders_++);
  orders::v1::PlaceOrder place;
  place.set_cart_id("cart of " + id);
  place.set_order_number("EF-" + id);
  place.set_currency("USD");
  for (auto lines = random.between(1, 3); lines > 0; --lines) {
    auto& line = *place.add_lines();
    line.set_sku(sku());
    line.set_name("a thing");
    line.set_quantity(random.between(1, 3));
    line.mutable_unit_price()->set_amount(random.one_in(8) ? 0 : random.between(1, 500));
    line.mutable_unit_price()->set_currency("USD");
  }
  place.mutable_payment()->set_provider("sim");
  const char* methods[] = {"approve", "approve", "approve", "decline", "manual"};
  place.mutable_payment()->set_method(methods[random.below(5)]);
  return wish("orders", id, encode_message(place));
}

}  // namespace everfold::simulator
