#include "query-api/inventory/stock_log.hpp"

#include "kernel/overloaded.hpp"
#include "query-api/reads/history.hpp"
#include "schemas/inventory/events.hpp"

namespace everfold::query {
namespace {

using inventory::v1::StockLogEntry;

// The part that most events have.
template <class Event>
void fill(StockLogEntry& entry, StockLogEntry::Type type, int64_t quantity, const Event& event) {
  entry.set_type(type);
  entry.set_quantity(quantity);
  entry.set_on_hand(event.on_hand());
  entry.set_reserved(event.reserved());
}

template <class Event>
void fill_of_order(StockLogEntry& entry, StockLogEntry::Type type, const Event& event) {
  fill(entry, type, event.quantity(), event);
  entry.set_order_id(event.order_id());
}

}  // namespace

StockLogEntry stock_log_entry(const history::v1::HistoryRow& row) {
  namespace v1 = inventory::v1;
  StockLogEntry entry;
  *entry.mutable_at() = row.at();
  std::visit(
      overloaded{
          [&](const v1::StockReceived& e) {
            fill(entry, StockLogEntry::RECEIVED, e.quantity(), e);
            if (e.has_reference()) entry.set_reference(e.reference());
          },
          [&](const v1::StockAdjusted& e) {
            fill(entry, StockLogEntry::ADJUSTED, e.delta(), e);
            entry.set_reason(e.reason());
          },
          [&](const v1::LowStockThresholdSet& e) { fill(entry, StockLogEntry::THRESHOLD_SET, e.threshold(), e); },
          [&](const v1::StockReserved& e) { fill_of_order(entry, StockLogEntry::RESERVED, e); },
          [&](const v1::StockReservationRejected& e) { fill_of_order(entry, StockLogEntry::REJECTED, e); },
          [&](const v1::StockReleased& e) { fill_of_order(entry, StockLogEntry::RELEASED, e); },
          [&](const v1::StockCommitted& e) { fill_of_order(entry, StockLogEntry::COMMITTED, e); },
          [&](const v1::StockReturned& e) { fill_of_order(entry, StockLogEntry::RETURNED, e); },
      },
      event_of<inventory::Event>(row));
  return entry;
}

}  // namespace everfold::query
