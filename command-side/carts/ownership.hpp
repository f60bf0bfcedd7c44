#pragma once

#include <string>

#include "command-side/edge/call.hpp"
#include "kernel/rejection.hpp"
#include "schemas/carts/v1/events.pb.h"

namespace everfold::carts {

// The cart that the caller wants to change. Refused: not_found; forbidden, when it is another customer's. A guest's
// cart is anybody's who knows its id.
Decided<v1::CartCreated> cart_of(const edge::Call& call, const std::string& cart_id);

}  // namespace everfold::carts
