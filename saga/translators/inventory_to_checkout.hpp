// What became of a reservation, told to the order's checkout.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::inventory_to_checkout {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::inventory_to_checkout
