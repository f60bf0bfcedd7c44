// What the checkout asks of the payment.
#pragma once

#include "saga/translators/translation.hpp"

namespace everfold::checkout_to_payments {

Decided<Commands> react(const StoredEvent& event);

}  // namespace everfold::checkout_to_payments
