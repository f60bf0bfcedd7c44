#pragma once

#include <variant>

#include "schemas/carts/v1/events.pb.h"

namespace everfold::carts {
using Event = std::variant<v1::CartCreated, v1::CartItemAdded, v1::CartItemQuantityChanged, v1::CartItemRemoved,
                           v1::CartCheckedOut>;
}
