// Every change of a payment's status, copied into its order's picture of it.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::payments_to_orders {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::payments_to_orders
