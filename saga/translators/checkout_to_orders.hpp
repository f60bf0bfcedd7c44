// What the checkout asks of its order.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::checkout_to_orders {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::checkout_to_orders
