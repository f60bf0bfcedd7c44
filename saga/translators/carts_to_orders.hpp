// A cart checked out places its order. The HTTP edge sends the very same command itself right after the cart's commit,
// so that the order is there when the client is answered; it has the same id, so it is done once.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::carts_to_orders {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::carts_to_orders
