#pragma once

#include <variant>

#include "schemas/orders/v1/events.pb.h"

namespace everfold::orders {
using Event = std::variant<v1::OrderPlaced, v1::OrderStockReserved, v1::OrderPaymentUpdated, v1::OrderConfirmed,
                           v1::OrderCancelled, v1::OrderRefunded>;
}
