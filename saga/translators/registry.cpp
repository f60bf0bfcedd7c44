#include "saga/translators/registry.hpp"

#include <algorithm>

#include "saga/translators/carts_to_orders.hpp"
#include "saga/translators/checkout_to_inventory.hpp"
#include "saga/translators/checkout_to_orders.hpp"
#include "saga/translators/checkout_to_payments.hpp"
#include "saga/translators/inventory_to_checkout.hpp"
#include "saga/translators/orders_to_checkout.hpp"
#include "saga/translators/payments_to_checkout.hpp"
#include "saga/translators/payments_to_orders.hpp"

namespace everfold {

std::vector<NamedTranslator> all_translators(int64_t payment_timeout_ms) {
  return {{"carts_to_orders", "carts", carts_to_orders::react},
          {"orders_to_checkout", "orders",
           [=](const StoredEvent& event) { return orders_to_checkout::react(event, payment_timeout_ms); }},
          {"inventory_to_checkout", "inventory", inventory_to_checkout::react},
          {"payments_to_checkout", "payments", payments_to_checkout::react},
          {"payments_to_orders", "payments", payments_to_orders::react},
          {"checkout_to_inventory", "checkout", checkout_to_inventory::react},
          {"checkout_to_payments", "checkout", checkout_to_payments::react},
          {"checkout_to_orders", "checkout", checkout_to_orders::react}};
}

std::vector<ReactingGroup> reacting_groups() {
  ReactingGroup translators{std::string(translators_group), {}};
  for (const NamedTranslator& translator : all_translators(0)) {
    std::string source(translator.source);
    if (std::ranges::find(translators.contexts, source) == translators.contexts.end())
      translators.contexts.push_back(std::move(source));
  }
  return {std::move(translators), {std::string(payment_gateway_group), {"payments"}}};
}

}  // namespace everfold
