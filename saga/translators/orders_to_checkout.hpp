// An order placed starts its checkout, which gives up `payment_timeout_ms` after that; one cancelled tells it so.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::orders_to_checkout {

Decided<Commands> react(const StoredEvent& event, int64_t payment_timeout_ms);

}  // namespace everfold::orders_to_checkout
