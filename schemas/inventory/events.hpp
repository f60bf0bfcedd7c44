#pragma once

#include <variant>

#include "schemas/inventory/v1/events.pb.h"

namespace everfold::inventory {
using Event = std::variant<v1::StockReceived, v1::StockAdjusted, v1::LowStockThresholdSet, v1::StockReserved,
                           v1::StockReservationRejected, v1::StockReleased, v1::StockCommitted, v1::StockReturned>;
}
