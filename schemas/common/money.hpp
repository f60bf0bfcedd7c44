#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/common/v1/money.pb.h"

namespace everfold::common {

inline v1::Money money(int64_t amount, std::string_view currency) {
  v1::Money m;
  m.set_amount(amount);
  m.set_currency(currency.data(), currency.size());
  return m;
}

}  // namespace everfold::common
