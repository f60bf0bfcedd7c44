#include "saga/translators/inventory_to_checkout.hpp"

#include "kernel/overloaded.hpp"
#include "schemas/checkout/v1/commands.pb.h"
#include "schemas/inventory/events.hpp"

namespace everfold::inventory_to_checkout {
namespace {

template <class Message>
Message about(const std::string& sku) {
  Message command;
  command.set_sku(sku);
  return command;
}

}  // namespace

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "translator:inventory-checkout");
  const std::string& sku = event.meta.aggregate_id;
  return translate<inventory::Event>(
      event, overloaded{
                 [](const inventory::v1::StockReceived&) { return Commands{}; },
                 [](const inventory::v1::StockAdjusted&) { return Commands{}; },
                 [](const inventory::v1::LowStockThresholdSet&) { return Commands{}; },
                 [&](const inventory::v1::StockReserved& stock) {
                   return Commands{translation.to(stock.order_id(), about<checkout::v1::RecordStockSecured>(sku))};
                 },
                 [&](const inventory::v1::StockReservationRejected& stock) {
                   return Commands{translation.to(stock.order_id(), about<checkout::v1::RecordStockRefused>(sku))};
                 },
                 [](const inventory::v1::StockReleased&) { return Commands{}; },
                 [](const inventory::v1::StockCommitted&) { return Commands{}; },
                 [](const inventory::v1::StockReturned&) { return Commands{}; },
             });
}

}  // namespace everfold::inventory_to_checkout
