// The providers that this program can talk to, by the name that payments carry.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "saga/payment-providers/provider.hpp"

namespace everfold::payment_providers {

class Registry {
 public:
  void add(std::string name, std::unique_ptr<PaymentProvider> provider);  // a name only once
  PaymentProvider* find(std::string_view name) const;                     // null: unknown

 private:
  std::map<std::string, std::unique_ptr<PaymentProvider>, std::less<>> providers_;
};

}  // namespace everfold::payment_providers
