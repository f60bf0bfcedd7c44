#include "projections/inventory/stock.hpp"
#include "tests/folding.hpp"

namespace everfold::inventory {
namespace {

using testing::folding;
using testing::make;

TEST(StockView, ShowsTheLevelsThatEveryEventLeavesBehind) {
  folding<Stock>("MUG")
      .after(make<v1::StockReceived>("quantity: 10 on_hand: 10"))
      .shows("sku: 'MUG' on_hand: 10 available: 10 version: 1")
      .after(make<v1::StockReserved>("order_id: 'o1' quantity: 4 on_hand: 10 reserved: 4"))
      .changes("reserved: 4 available: 6")
      .after(make<v1::LowStockThresholdSet>("threshold: 6 on_hand: 10 reserved: 4"))
      .changes("low_stock_threshold: 6 low: true")
      .after(make<v1::StockReservationRejected>("order_id: 'o2' quantity: 7 on_hand: 10 reserved: 4"))
      .changes("")
      .after(make<v1::StockCommitted>("order_id: 'o1' quantity: 4 on_hand: 6"))
      .shows("sku: 'MUG' on_hand: 6 available: 6 low_stock_threshold: 6 low: true version: 5")
      .after(make<v1::StockReturned>("order_id: 'o1' quantity: 4 on_hand: 10"))
      .shows("sku: 'MUG' on_hand: 10 available: 10 low_stock_threshold: 6 version: 6")
      .after(make<v1::StockAdjusted>("delta: -3 reason: 'broken' on_hand: 7"))
      .changes("on_hand: 7 available: 7")
      .after(make<v1::StockReserved>("order_id: 'o3' quantity: 1 on_hand: 7 reserved: 1"))
      .changes("reserved: 1 available: 6 low: true")
      .after(make<v1::StockReleased>("order_id: 'o3' quantity: 1 on_hand: 7"))
      .shows("sku: 'MUG' on_hand: 7 available: 7 low_stock_threshold: 6 version: 9");
}

TEST(StockView, NothingIsLowWithoutAThreshold) {
  folding<Stock>("MUG")
      .after(make<v1::StockReservationRejected>("order_id: 'o1' quantity: 1"))
      .shows("sku: 'MUG' version: 1");
}

}  // namespace
}  // namespace everfold::inventory
