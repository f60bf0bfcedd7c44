// What happened to one SKU's stock, as its keepers read it.
#pragma once

#include "schemas/history/v1/views.pb.h"
#include "schemas/inventory/v1/views.pb.h"

namespace everfold::query {

inventory::v1::StockLogEntry stock_log_entry(const history::v1::HistoryRow& row);

}  // namespace everfold::query
