#include "command-side/carts/decider.hpp"
#include "tests/given.hpp"

namespace everfold::carts {
namespace {

using namespace everfold::testing;

std::string gbp(int64_t amount) { return "{ amount: " + std::to_string(amount) + " currency: 'GBP' }"; }
std::string item(const std::string& sku, int64_t quantity) {
  return "sku: '" + sku + "' quantity: " + std::to_string(quantity);
}

Event created(const std::string& customer = "") {
  return make<v1::CartCreated>("currency: 'GBP'" + (customer.empty() ? "" : " customer_id: '" + customer + "'"));
}
Event added(const std::string& sku, int64_t quantity, int64_t price, const std::string& name = "Mug") {
  return make<v1::CartItemAdded>(item(sku, quantity) + " name: '" + name + "' unit_price " + gbp(price));
}
Event changed(const std::string& sku, int64_t quantity) {
  return make<v1::CartItemQuantityChanged>(item(sku, quantity));
}
Event removed(const std::string& sku) { return make<v1::CartItemRemoved>("sku: '" + sku + "'"); }
Event checked_out() { return make<v1::CartCheckedOut>("order_id: 'order-1' currency: 'GBP'"); }

v1::CreateCart create(const std::string& currency = "GBP") {
  return make<v1::CreateCart>("currency: '" + currency + "'");
}
v1::AddCartItem add(const std::string& sku, int64_t quantity, int64_t price = 799) {
  return make<v1::AddCartItem>(item(sku, quantity) + " name: 'Mug' unit_price " + gbp(price));
}
v1::ChangeCartItemQuantity change(const std::string& sku, int64_t quantity) {
  return make<v1::ChangeCartItemQuantity>(item(sku, quantity));
}
v1::RemoveCartItem remove(const std::string& sku) { return make<v1::RemoveCartItem>("sku: '" + sku + "'"); }
v1::CheckOutCart check_out(const std::string& order = "order-1", const std::string& method = "approve") {
  return make<v1::CheckOutCart>("order_id: '" + order + "' payment { provider: 'sandbox' method: '" + method + "' }");
}

TEST(Carts, EveryCommandInEveryState) {
  expect_table<Carts>({{"none", {}},
                       {"empty", {created()}},
                       {"two-mugs", {created(), added("MUG", 2, 799)}},
                       {"emptied", {created(), added("MUG", 2, 799), removed("MUG")}},
                       {"checked-out", {created(), added("MUG", 2, 799), checked_out()}}},
                      {{"create", create()},
                       {"add-mug", add("MUG", 1)},
                       {"add-cup", add("CUP", 1)},
                       {"add-unknown", make<v1::AddCartItem>("sku: 'NO' quantity: 1")},
                       {"two-mugs", change("MUG", 2)},
                       {"three-mugs", change("MUG", 3)},
                       {"no-mugs", change("MUG", 0)},
                       {"remove-mug", remove("MUG")},
                       {"remove-cup", remove("CUP")},
                       {"check-out", check_out()},
                       {"check-out-2", check_out("order-2")}},
                      R"(
                none                empty                two-mugs                 emptied              checked-out
    create      CartCreated         already_exists       already_exists           already_exists       already_exists
    add-mug     not_found           CartItemAdded        CartItemAdded            CartItemAdded        cart_checked_out
    add-cup     not_found           CartItemAdded        CartItemAdded            CartItemAdded        cart_checked_out
    add-unknown not_found           product_unavailable  product_unavailable      product_unavailable  cart_checked_out
    two-mugs    not_found           item_not_in_cart     -                        item_not_in_cart     cart_checked_out
    three-mugs  not_found           item_not_in_cart     CartItemQuantityChanged  item_not_in_cart     cart_checked_out
    no-mugs     not_found           item_not_in_cart     CartItemRemoved          item_not_in_cart     cart_checked_out
    remove-mug  not_found           item_not_in_cart     CartItemRemoved          item_not_in_cart     cart_checked_out
    remove-cup  not_found           item_not_in_cart     item_not_in_cart         item_not_in_cart     cart_checked_out
    check-out   not_found           cart_empty           CartCheckedOut           cart_empty           cart_checked_out
    check-out-2 not_found           cart_empty           CartCheckedOut           cart_empty           cart_checked_out
  )");
}

TEST(Carts, ACartIsSomebodysOrAGuests) {
  given<Carts>({}).when(create()).then({created()});
  given<Carts>({}).when(make<v1::CreateCart>("currency: 'GBP' customer_id: 'ann'")).then({created("ann")});
  given<Carts>({})
      .when(make<v1::CreateCart>("currency: 'GBP' customer_id: ''"))
      .then_rejected(Code::validation_failed, "customerId");
  for (const char* bad : {"", "gbp", "XXQ"})
    given<Carts>({}).when(create(bad)).then_rejected(Code::validation_failed, "currency");
}

TEST(Carts, AddingTellsWhatWasAddedAndAtWhatPrice) {
  given<Carts>({created()}).when(add("MUG", 2)).then({added("MUG", 2, 799)});
  given<Carts>({created(), added("MUG", 2, 799)}).when(add("MUG", 1, 599)).then({added("MUG", 1, 599)});
}

TEST(Carts, AddingBounds) {
  const std::vector<Event> empty{created()};
  given<Carts>(empty).when(add("MUG", 1'000'000'000, 1)).then({added("MUG", 1'000'000'000, 1)});
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1'000'000'001}, INT64_MAX})
    given<Carts>(empty).when(add("MUG", bad)).then_rejected(Code::validation_failed, "quantity");
  given<Carts>(empty).when(add("a/b", 1)).then_rejected(Code::validation_failed, "sku");
  for (const int64_t bad : {int64_t{-1}, int64_t{1'000'000'000'000'001}})
    given<Carts>(empty).when(add("MUG", 1, bad)).then_rejected(Code::validation_failed, "unitPrice.amount");
  given<Carts>(empty)
      .when(add("", 0, -1))
      .then_rejected(Code::validation_failed, std::vector<std::string>{"sku", "quantity", "unitPrice.amount"});
}

TEST(Carts, WhatIsNotOnSaleIsRefused) {
  const std::vector<Event> empty{created()};
  given<Carts>(empty).when(make<v1::AddCartItem>(item("NO", 1))).then_rejected(Code::product_unavailable, "sku");
  given<Carts>(empty)
      .when(make<v1::AddCartItem>(item("NO", 1) + " name: 'No'"))
      .then_rejected(Code::product_unavailable, "sku");
  given<Carts>(empty)
      .when(make<v1::AddCartItem>(item("NO", 1) + " unit_price " + gbp(1)))
      .then_rejected(Code::product_unavailable, "sku");
}

TEST(Carts, OneCartOneCurrency) {
  given<Carts>({created()})
      .when(make<v1::AddCartItem>(item("MUG", 1) + " name: 'Mug' unit_price { amount: 1 currency: 'USD' }"))
      .then_rejected(Code::currency_mismatch, "sku");
}

TEST(Carts, AThousandLinesAndNoMore) {
  std::vector<Event> full{created()};
  for (int i = 0; i < 999; ++i) full.push_back(added("SKU-" + std::to_string(i), 1, 1));
  given<Carts>(full).when(add("LAST", 1, 1)).then({added("LAST", 1, 1)});
  full.push_back(added("LAST", 1, 1));
  given<Carts>(full).when(add("ONE-MORE", 1, 1)).then_rejected(Code::cart_full, "sku");
  given<Carts>(full).when(add("LAST", 1, 1)).then({added("LAST", 1, 1)});
}

TEST(Carts, ALineHasAnEnd) {
  const std::vector<Event> history{created(), added("MUG", 999'999'999, 1)};
  given<Carts>(history).when(add("MUG", 1, 1)).then({added("MUG", 1, 1)});
  given<Carts>(history).when(add("MUG", 2, 1)).then_rejected(Code::amount_out_of_range, "quantity");
  given<Carts>(history).when(change("MUG", 1'000'000'000)).then({changed("MUG", 1'000'000'000)});
  for (const int64_t bad : {int64_t{-1}, int64_t{1'000'000'001}})
    given<Carts>(history).when(change("MUG", bad)).then_rejected(Code::validation_failed, "quantity");
}

TEST(Carts, TheSubtotalHasAnEnd) {
  const int64_t most = 1'000'000'000'000'000;
  const std::vector<Event> history{created(), added("GOLD", 1, most - 10), added("MUG", 1, 4)};
  given<Carts>(history).when(add("CUP", 6, 1)).then({added("CUP", 6, 1)});
  given<Carts>(history).when(add("CUP", 7, 1)).then_rejected(Code::amount_out_of_range, "quantity");
  given<Carts>(history).when(change("MUG", 2)).then({changed("MUG", 2)});
  given<Carts>(history).when(change("MUG", 3)).then_rejected(Code::amount_out_of_range, "quantity");
  given<Carts>(history).when(add("GOLD", 1, most)).then_rejected(Code::amount_out_of_range, "quantity");
  // The new price is the whole line's: two at half the price fit.
  given<Carts>(history).when(add("GOLD", 1, most / 2 - 2)).then({added("GOLD", 1, most / 2 - 2)});
  given<Carts>(history).when(add("GOLD", 1, most / 2 - 1)).then_rejected(Code::amount_out_of_range, "quantity");
  // What is taken out makes room.
  auto emptier = history;
  emptier.push_back(removed("GOLD"));
  given<Carts>(emptier).when(add("CUP", 1, most - 4)).then({added("CUP", 1, most - 4)});
}

TEST(Carts, ALineThatIsNotThereIsToldByItsSku) {
  given<Carts>({created()}).when(change("MUG", 0)).then_rejected(Code::item_not_in_cart, "sku");
  given<Carts>({created()}).when(remove("MUG")).then_rejected(Code::item_not_in_cart, "sku");
}

TEST(Carts, CheckingOutFreezesLinesAndSubtotal) {
  given<Carts>({created("ann"), added("MUG", 2, 799), added("CUP", 1, 250, "Cup"), added("MUG", 1, 699, "New mug"),
                changed("CUP", 4), added("GONE", 1, 1), removed("GONE")})
      .when(check_out("order-1", "manual"))
      .then({make<v1::CartCheckedOut>("order_id: 'order-1' currency: 'GBP' customer_id: 'ann'"
                                      " lines { sku: 'MUG' name: 'New mug' quantity: 3 unit_price " +
                                      gbp(699) + " line_total " + gbp(2097) +
                                      " }"
                                      " lines { sku: 'CUP' name: 'Cup' quantity: 4 unit_price " +
                                      gbp(250) + " line_total " + gbp(1000) +
                                      " }"
                                      " subtotal " +
                                      gbp(3097) + " payment { provider: 'sandbox' method: 'manual' }")});
}

TEST(Carts, StaffMayBuyForSomebody) {
  const std::string rest = " currency: 'GBP' lines { sku: 'MUG' name: 'Mug' quantity: 1 unit_price " + gbp(0) +
                           " line_total " + gbp(0) + " } subtotal " + gbp(0) +
                           " payment { provider: 'sandbox' method: 'approve' }";
  auto for_bob = check_out();
  for_bob.set_customer_id("bob");
  for (const char* owner : {"", "ann"})
    given<Carts>({created(owner), added("MUG", 1, 0)})
        .when(for_bob)
        .then({make<v1::CartCheckedOut>("order_id: 'order-1' customer_id: 'bob'" + rest)});
  given<Carts>({created(), added("MUG", 1, 0)})
      .when(check_out())
      .then({make<v1::CartCheckedOut>("order_id: 'order-1'" + rest)});
}

TEST(Carts, CheckingOutNeedsAPaymentThatTheShopTakes) {
  const std::vector<Event> history{created(), added("MUG", 1, 799)};
  for (const char* method : {"approve", "decline", "manual"})
    EXPECT_EQ(given<Carts>(history).when(check_out("order-1", method)).events().size(), 1u) << method;
  const auto paid_by = [](const std::string& payment) { return make<v1::CheckOutCart>("order_id: 'o' " + payment); };
  given<Carts>(history).when(paid_by("")).then_rejected(Code::validation_failed, "payment");
  for (const char* bad : {"", "cash", "Sandbox"})
    given<Carts>(history)
        .when(paid_by("payment { provider: '" + std::string(bad) + "' method: 'approve' }"))
        .then_rejected(Code::validation_failed, "payment.provider");
  for (const char* bad : {"", "Approve", "later"})
    given<Carts>(history).when(check_out("order-1", bad)).then_rejected(Code::validation_failed, "payment.method");
  given<Carts>(history).when(check_out("")).then_rejected(Code::validation_failed, "orderId");
  auto nobody = check_out();
  nobody.set_customer_id("");
  given<Carts>(history).when(nobody).then_rejected(Code::validation_failed, "customerId");
}

TEST(Carts, Laws) {
  const auto any_command = [](std::mt19937_64& random) -> Carts::Command {
    const std::string sku = "S" + std::to_string(random() % 5);
    const auto quantity = static_cast<int64_t>(random() % 6);
    const int64_t price = random() % 10 == 0 ? 900'000'000'000'000 : static_cast<int64_t>(random() % 1000);
    switch (random() % 16) {
      case 0:
        return create();
      case 1:
        return random() % 4 == 0 ? Carts::Command(check_out()) : create();
      case 2:
      case 3:
        return remove(sku);
      case 4:
      case 5:
      case 6:
      case 7:
        return change(sku, quantity);
      default:
        return add(sku, quantity, price);
    }
  };
  const auto invariant = [](const Carts::State& state) -> std::string {
    int64_t subtotal = 0;
    for (const Carts::Line& line : state.lines) {
      if (line.quantity < 1) return "a line without pieces\n";
      subtotal += line.quantity * line.unit_price;
    }
    if (subtotal != state.subtotal) return "the subtotal is not the sum of the lines\n";
    if (subtotal > 1'000'000'000'000'000) return "the subtotal is out of range\n";
    return state.checked_out && state.lines.empty() ? "an empty cart was checked out\n" : "";
  };
  const auto adds_up = [](const Carts::Command& c) { return std::holds_alternative<v1::AddCartItem>(c); };
  auto seen = expect_laws<Carts>({any_command, invariant, adds_up, std::equal_to<>{}});
  for (const char* event : {"CartCreated", "CartItemAdded", "CartItemQuantityChanged", "CartItemRemoved",
                            "CartCheckedOut", "amount_out_of_range", "cart_checked_out"})
    EXPECT_GT(seen[event], 20) << event;
}

}  // namespace
}  // namespace everfold::carts
