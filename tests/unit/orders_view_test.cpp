#include "projections/orders/orders.hpp"
#include "tests/folding.hpp"

namespace everfold::orders {
namespace {

using testing::folding;
using testing::make;

v1::OrderPlaced placed(const std::string& customer = "customer_id: 'u1'") {
  return make<v1::OrderPlaced>(customer + R"( order_number: "EF-1" cart_id: "c1"
    lines { sku: "MUG" name: "Mug" quantity: 2 unit_price { amount: 500 currency: "USD" } line_total { amount: 1000 currency: "USD" } }
    subtotal { amount: 1000 currency: "USD" } discount { currency: "USD" } shipping { currency: "USD" }
    total { amount: 1000 currency: "USD" } payment { provider: "sandbox" method: "manual" })");
}

TEST(OrdersView, FollowsAnOrderToItsRefund) {
  folding<Orders>("o1")
      .after(placed())
      .shows(R"(id: "o1" order_number: "EF-1" customer_id: "u1" cart_id: "c1" status: PENDING
        lines { sku: "MUG" name: "Mug" quantity: 2 unit_price { amount: 500 currency: "USD" }
          line_total { amount: 1000 currency: "USD" } }
        subtotal { amount: 1000 currency: "USD" } discount { currency: "USD" } shipping { currency: "USD" }
        total { amount: 1000 currency: "USD" } version: 1 placed_at { seconds: 1 } updated_at { seconds: 1 })")
      .after(make<v1::OrderStockReserved>())
      .changes("status: STOCK_RESERVED")
      .after(make<v1::OrderPaymentUpdated>("payment { id: 'y1' status: REQUESTED payment_version: 1 }"))
      .changes("payment { id: 'y1' status: REQUESTED }")
      .after(
          make<v1::OrderPaymentUpdated>("payment { id: 'y1' status: PENDING redirect_url: '/pay' payment_version: 2 }"))
      .changes("payment { status: PENDING redirect_url: '/pay' }")
      .after(make<v1::OrderConfirmed>("payment { id: 'y1' status: CAPTURED redirect_url: '/pay' payment_version: 3 }"))
      .changes("status: CONFIRMED payment { status: CAPTURED }")
      .after(make<v1::OrderRefunded>("full: false"))
      .changes("status: PARTIALLY_REFUNDED")
      .after(make<v1::OrderRefunded>("full: true"))
      .changes("status: REFUNDED");
}

TEST(OrdersView, ARedirectThatIsOverIsNotShown) {
  auto order = folding<Orders>("o1");
  order.after(placed())
      .after(
          make<v1::OrderPaymentUpdated>("payment { id: 'y1' status: PENDING redirect_url: '/pay' payment_version: 2 }"))
      .after(make<v1::OrderPaymentUpdated>("payment { id: 'y1' status: DECLINED payment_version: 3 }"));
  EXPECT_FALSE(order.row().payment().has_redirect_url());
}

TEST(OrdersView, SaysWhyAnOrderWasCancelled) {
  auto order = folding<Orders>("o1");
  order.after(placed()).after(make<v1::OrderCancelled>("reason: 'OUT_OF_STOCK'"));
  EXPECT_EQ(order.row().status(), v1::OrderRow::CANCELLED);
  EXPECT_EQ(order.row().cancellation().reason(), "OUT_OF_STOCK");
}

TEST(OrdersView, AnOrderThatCostsNothingHasNoPayment) {
  auto order = folding<Orders>("o1");
  order.after(placed()).after(make<v1::OrderConfirmed>());
  EXPECT_EQ(order.row().status(), v1::OrderRow::CONFIRMED);
  EXPECT_FALSE(order.row().has_payment());
}

TEST(OrdersView, IsListedByTimeAndByCustomer) {
  auto order = folding<Orders>("o1");
  order.after(placed()).after(make<v1::OrderStockReserved>());
  EXPECT_EQ(Orders::index_keys_of(order.row()),
            (std::vector<std::string>{"placed/000000000001000/o1", "customer/u1/000000000001000/o1"}));
  auto guests = folding<Orders>("o2");
  guests.after(placed(""));
  EXPECT_EQ(Orders::index_keys_of(guests.row()), (std::vector<std::string>{"placed/000000000001000/o2"}));
}

}  // namespace
}  // namespace everfold::orders
