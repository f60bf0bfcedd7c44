#include "kernel/money.hpp"
#include "projections/carts/carts.hpp"
#include "tests/folding.hpp"

namespace everfold::carts {
namespace {

using testing::folding;
using testing::make;

v1::CartItemAdded added(const std::string& sku, int64_t price, int64_t quantity) {
  return make<v1::CartItemAdded>("sku: '" + sku + "' name: 'The " + sku + "' quantity: " + std::to_string(quantity) +
                                 " unit_price { amount: " + std::to_string(price) + " currency: 'USD' }");
}

TEST(CartsView, KeepsLinesTheirTotalsAndTheSubtotal) {
  folding<Carts>("c1")
      .after(make<v1::CartCreated>("currency: 'USD' customer_id: 'u1'"))
      .shows(R"(id: "c1" currency: "USD" customer_id: "u1" subtotal { currency: "USD" } status: OPEN version: 1
        created_at { seconds: 1 } updated_at { seconds: 1 })")
      .after(added("MUG", 500, 2))
      .changes(R"(lines { sku: "MUG" name: "The MUG" quantity: 2 unit_price { amount: 500 currency: "USD" }
        line_total { amount: 1000 currency: "USD" } } subtotal { amount: 1000 })")
      .after(added("CUP", 30, 1))
      .changes(R"(lines { sku: "CUP" name: "The CUP" quantity: 1 unit_price { amount: 30 currency: "USD" }
        line_total { amount: 30 currency: "USD" } } subtotal { amount: 1030 })")
      // The same SKU adds up, at the price of now.
      .after(added("MUG", 400, 1))
      .shows(
          R"(id: "c1" currency: "USD" customer_id: "u1" subtotal { amount: 1230 currency: "USD" } status: OPEN version: 4
        lines { sku: "MUG" name: "The MUG" quantity: 3 unit_price { amount: 400 currency: "USD" }
          line_total { amount: 1200 currency: "USD" } }
        lines { sku: "CUP" name: "The CUP" quantity: 1 unit_price { amount: 30 currency: "USD" }
          line_total { amount: 30 currency: "USD" } }
        created_at { seconds: 1 } updated_at { seconds: 4 })")
      .after(make<v1::CartItemQuantityChanged>("sku: 'CUP' quantity: 5"))
      .shows(
          R"(id: "c1" currency: "USD" customer_id: "u1" subtotal { amount: 1350 currency: "USD" } status: OPEN version: 5
        lines { sku: "MUG" name: "The MUG" quantity: 3 unit_price { amount: 400 currency: "USD" }
          line_total { amount: 1200 currency: "USD" } }
        lines { sku: "CUP" name: "The CUP" quantity: 5 unit_price { amount: 30 currency: "USD" }
          line_total { amount: 150 currency: "USD" } }
        created_at { seconds: 1 } updated_at { seconds: 5 })")
      .after(make<v1::CartItemRemoved>("sku: 'MUG'"))
      .shows(
          R"(id: "c1" currency: "USD" customer_id: "u1" subtotal { amount: 150 currency: "USD" } status: OPEN version: 6
        lines { sku: "CUP" name: "The CUP" quantity: 5 unit_price { amount: 30 currency: "USD" }
          line_total { amount: 150 currency: "USD" } }
        created_at { seconds: 1 } updated_at { seconds: 6 })");
}

TEST(CartsView, ShowsWhatWasCheckedOut) {
  folding<Carts>("c1")
      .after(make<v1::CartCreated>("currency: 'USD'"))
      .after(added("MUG", 500, 1))
      .after(make<v1::CartCheckedOut>(
          R"(order_id: "o1" currency: "USD" customer_id: "u7" subtotal { amount: 500 currency: "USD" }
        lines { sku: "MUG" name: "The MUG" quantity: 1 unit_price { amount: 500 currency: "USD" }
          line_total { amount: 500 currency: "USD" } } payment { provider: "sandbox" method: "approve" })"))
      .shows(R"(id: "c1" currency: "USD" customer_id: "u7" status: CHECKED_OUT order_id: "o1" version: 3
        subtotal { amount: 500 currency: "USD" }
        lines { sku: "MUG" name: "The MUG" quantity: 1 unit_price { amount: 500 currency: "USD" }
          line_total { amount: 500 currency: "USD" } }
        created_at { seconds: 1 } updated_at { seconds: 3 })");
}

TEST(CartsView, IsTotal) {
  // No decider lets these through; a fold must survive them all the same.
  auto cart = folding<Carts>("c1");
  cart.after(make<v1::CartItemRemoved>("sku: 'GHOST'"))
      .after(make<v1::CartItemQuantityChanged>("sku: 'GHOST' quantity: 3"));
  EXPECT_EQ(cart.row().lines_size(), 0);
  cart.after(added("GOLD", max_amount, 1'000'000'000));
  EXPECT_EQ(cart.row().subtotal().amount(), max_amount);
}

}  // namespace
}  // namespace everfold::carts
