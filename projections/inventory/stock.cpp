#include "projections/inventory/stock.hpp"

#include "kernel/overloaded.hpp"

namespace everfold::inventory {

std::vector<std::string> Stock::keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }

std::optional<Stock::Row> Stock::fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
  if (!row) row.emplace().set_sku(meta.aggregate_id);
  row->set_version(meta.version);
  // Every event carries the levels that it leaves behind.
  const auto levels = [&](const auto& e) {
    row->set_on_hand(e.on_hand());
    row->set_reserved(e.reserved());
    row->set_available(e.on_hand() - e.reserved());
  };
  std::visit(overloaded{
                 [&](const v1::StockReceived& e) { levels(e); },
                 [&](const v1::StockAdjusted& e) { levels(e); },
                 [&](const v1::LowStockThresholdSet& e) { row->set_low_stock_threshold(e.threshold()), levels(e); },
                 [&](const v1::StockReserved& e) { levels(e); },
                 [&](const v1::StockReservationRejected& e) { levels(e); },
                 [&](const v1::StockReleased& e) { levels(e); },
                 [&](const v1::StockCommitted& e) { levels(e); },
                 [&](const v1::StockReturned& e) { levels(e); },
             },
             event);
  row->set_low(row->low_stock_threshold() > 0 && row->available() <= row->low_stock_threshold());
  return row;
}

}  // namespace everfold::inventory
