#include "saga/payment-providers/registry.hpp"

#include <utility>

#include "kernel/check.hpp"

namespace everfold::payment_providers {

void Registry::add(std::string name, std::unique_ptr<PaymentProvider> provider) {
  const bool is_new = providers_.emplace(std::move(name), std::move(provider)).second;
  check(is_new, "two payment providers of one name");
}

PaymentProvider* Registry::find(std::string_view name) const {
  const auto found = providers_.find(name);
  return found == providers_.end() ? nullptr : found->second.get();
}

}  // namespace everfold::payment_providers
