// What became of the money, told to the order's checkout.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::payments_to_checkout {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::payments_to_checkout
