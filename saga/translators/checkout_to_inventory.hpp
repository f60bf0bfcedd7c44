// What the checkout asks of the stock: one command a SKU.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::checkout_to_inventory {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::checkout_to_inventory
