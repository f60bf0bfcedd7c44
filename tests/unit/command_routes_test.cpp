// Every command route: what it answers when all is well, and when it is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "command-side/catalog/decider.hpp"
#include "schemas/carts/v1/commands.pb.h"
#include "schemas/inventory/v1/commands.pb.h"
#include "schemas/orders/v1/commands.pb.h"
#include "tests/unit/fake_shop.hpp"

namespace everfold::testing {
namespace {

using http::Method;
using nlohmann::json;
using ::testing::MatchesRegex;

class CatalogRoutes : public FakeShop {};

TEST_F(CatalogRoutes, CreateAnswersTheIdThatTheSkuHas) {
  const auto answer =
      post("/api/products", R"({"sku":"S 1","name":"Pot","description":null,"price":{"amount":1999,"currency":"USD"},
                                               "attributes":{"colour":"red"},"status":"draft"})",
           seller);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, (json{{"id", product_id("S 1")}, {"sku", "S 1"}, {"version", 1}}));
  EXPECT_EQ(answer.header("Location"), "/api/products/" + product_id("S 1"));
  EXPECT_EQ(post("/api/products", R"({"sku":"S 1","name":"Pot","price":{"amount":1,"currency":"USD"}})", admin).status,
            409);
}

TEST_F(CatalogRoutes, CreateTellsEveryFieldThatIsWrong) {
  const auto unknown = post("/api/products", R"({"sku":"S","name":"x","prise":1})", admin);
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.body["details"][0]["field"], "prise");
  const auto missing = post("/api/products", "{}", admin);
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.body["details"].size(), 3u) << missing.body;  // sku, name, price
  EXPECT_EQ(post("/api/products", R"({"sku":"a/b","name":"x","price":{"amount":1,"currency":"USD"}})", admin).status,
            400);
}

TEST_F(CatalogRoutes, PatchChangesTheFieldsGivenAndPutAllOfThem) {
  const std::string id = product("SKU-1"), path = "/api/products/" + id;
  const auto patched = call(Method::patch, path, {R"({"category":"pots","brand":"b"})", admin, {}});
  EXPECT_EQ(patched.status, 200);
  EXPECT_EQ(patched.body, (json{{"id", id}, {"sku", "SKU-1"}, {"version", 2}}));
  EXPECT_EQ(patched.header("ETag"), "\"2\"");
  call(Method::patch, path, {R"({"brand":null})", admin, {}});
  catalog::Catalog::State state;
  const auto fold = [&] {
    state = {};
    for (const auto& event : writer.events("catalog", id, 1, 100))
      state = catalog::Catalog::evolve(std::move(state), *decode<catalog::Event>(event.meta.type, event.bytes));
  };
  fold();
  EXPECT_EQ(state.details.category(), "pots");
  EXPECT_FALSE(state.details.has_brand());
  const auto put =
      call(Method::put, path, {R"({"sku":"SKU-1","name":"New","price":{"amount":5,"currency":"EUR"}})", admin, {}});
  EXPECT_EQ(put.status, 200);
  fold();
  EXPECT_FALSE(state.details.has_category());
  EXPECT_EQ(state.details.price().currency(), "EUR");
}

TEST_F(CatalogRoutes, ASkuNeverChanges) {
  const std::string path = "/api/products/" + product("SKU-1");
  for (const Method method : {Method::put, Method::patch}) {
    const auto answer =
        call(method, path, {R"({"sku":"SKU-2","name":"x","price":{"amount":5,"currency":"EUR"}})", admin, {}});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body["details"][0]["field"], "sku");
  }
}

TEST_F(CatalogRoutes, ChangingNothingIsNoNewVersion) {
  const std::string path = "/api/products/" + product("SKU-1");
  const auto answer = call(Method::patch, path, {R"({"name":"Thing"})", admin, {}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("ETag"), "\"1\"");
}

TEST_F(CatalogRoutes, ArchivedProductsStayAsTheyAre) {
  const std::string path = "/api/products/" + product("SKU-1");
  EXPECT_EQ(call(Method::del, path, {R"({"why":"x"})", admin, {}}).status, 400);
  const auto archived = call(Method::del, path, {"", admin, {}});
  EXPECT_EQ(archived.status, 204);
  EXPECT_EQ(archived.header("ETag"), "\"2\"");
  EXPECT_EQ(call(Method::del, path, {"{}", admin, {}}).status, 204);
  EXPECT_EQ(call(Method::patch, path, {R"({"name":"x"})", admin, {}}).status, 409);
}

TEST_F(CatalogRoutes, UnknownProductsAreNotFound) {
  for (const std::string& id : {std::string("nope"), std::string(128, 'x'), std::string(129, 'x'), std::string("a%20b"),
                                std::string("%C3%A9")}) {
    EXPECT_EQ(call(Method::patch, "/api/products/" + id, {"{}", admin, {}}).status, 404) << id;
    EXPECT_EQ(call(Method::put, "/api/products/" + id,
                   {R"({"sku":"x","name":"x","price":{"amount":1,"currency":"USD"}})", admin, {}})
                  .status,
              404);
    EXPECT_EQ(call(Method::del, "/api/products/" + id, {"", admin, {}}).status, 404);
  }
}

class InventoryRoutes : public FakeShop {};

TEST_F(InventoryRoutes, AnswerTheLevelsThatTheyLeave) {
  const auto received = post("/api/inventory/S%201/receipts", R"({"quantity":5,"reference":"PO-1"})", seller);
  EXPECT_EQ(received.status, 200);
  EXPECT_EQ(received.body, (json{{"sku", "S 1"}, {"onHand", 5}, {"reserved", 0}, {"available", 5}, {"version", 1}}));
  inventory::v1::ReserveStock reserve;
  reserve.set_order_id("o-1");
  reserve.set_quantity(2);
  writer.tell("inventory", "S 1", reserve);
  const auto adjusted = post("/api/inventory/S%201/adjustments", R"({"delta":-1,"reason":"broken"})", seller);
  EXPECT_EQ(adjusted.body, (json{{"sku", "S 1"}, {"onHand", 4}, {"reserved", 2}, {"available", 2}, {"version", 3}}));
  const auto too_far = post("/api/inventory/S%201/adjustments", R"({"delta":-3,"reason":"broken"})", seller);
  EXPECT_EQ(too_far.status, 409);
  EXPECT_EQ(too_far.text("error"), "InsufficientStock");
}

TEST_F(InventoryRoutes, AThresholdThatIsSetAlreadyAnswersTheLevelsAllTheSame) {
  post("/api/inventory/S/receipts", R"({"quantity":5})", seller);
  const auto set = call(Method::put, "/api/inventory/S/threshold", {R"({"lowStock":3})", seller, {}});
  const auto again = call(Method::put, "/api/inventory/S/threshold", {R"({"lowStock":3})", seller, {}});
  EXPECT_EQ(set.status, 200);
  EXPECT_EQ(again.body, set.body);
  EXPECT_EQ(again.header("ETag"), "\"2\"");
}

TEST_F(InventoryRoutes, RefuseWhatMakesNoSense) {
  EXPECT_EQ(post("/api/inventory/S/receipts", R"({"quantity":0})", admin).status, 400);
  EXPECT_EQ(post("/api/inventory/S/receipts", R"({"quantity":9223372036854775808})", admin).status, 400);
  EXPECT_EQ(post("/api/inventory/S/receipts", R"({"quantity":1.5})", admin).status, 400);
  EXPECT_EQ(post("/api/inventory/a%2Fb/receipts", R"({"quantity":1})", admin).status, 400);
  EXPECT_EQ(post("/api/inventory/%20/receipts", R"({"quantity":1})", admin).status, 400);
  EXPECT_EQ(post("/api/inventory/unknown/adjustments", R"({"delta":1,"reason":"x"})", admin).status, 404);
  EXPECT_EQ(call(Method::put, "/api/inventory/unknown/threshold", {R"({"lowStock":1})", admin, {}}).status, 404);
}

class CartRoutes : public FakeShop {};

TEST_F(CartRoutes, BelongToTheShopperWhoMadeThem) {
  const auto owner = [&](const std::string& id) {
    carts::v1::CartCreated created;
    created.ParseFromString(writer.events("carts", id, 1, 1).at(0).bytes);
    return created.has_customer_id() ? created.customer_id() : "(nobody)";
  };
  EXPECT_EQ(owner(cart(ann)), "ann");
  EXPECT_EQ(owner(cart(guest)), "(nobody)");
  EXPECT_EQ(owner(cart(seller)), "(nobody)");
}

TEST_F(CartRoutes, TakeNameAndPriceFromTheCatalogue) {
  const std::string product_of = product("SKU-1", 1999), id = cart(ann), items = "/api/carts/" + id + "/items";
  const auto add = post(items, R"({"sku":"SKU-1","quantity":2})", ann);
  EXPECT_EQ(add.status, 200);
  EXPECT_EQ(add.body, (json{{"id", id}, {"version", 2}}));
  EXPECT_EQ(add.header("ETag"), "\"2\"");
  const auto last = [&] {
    carts::v1::CartItemAdded added;
    added.ParseFromString(writer.events("carts", id, 1, 100).back().bytes);
    return added;
  };
  EXPECT_EQ(last().unit_price().amount(), 1999);
  EXPECT_EQ(last().name(), "Thing");
  call(Method::patch, "/api/products/" + product_of, {R"({"price":{"amount":5,"currency":"USD"}})", admin, {}});
  post(items, R"({"sku":"SKU-1","quantity":1})", ann);
  EXPECT_EQ(last().unit_price().amount(), 5);
}

TEST_F(CartRoutes, RefuseWhatIsNotOnSale) {
  const std::string items = "/api/carts/" + cart(ann) + "/items";
  const auto add = [&] { return post(items, R"({"sku":"SKU-1","quantity":1})", ann); };
  EXPECT_EQ(add().text("error"), "ProductUnavailable");
  const std::string path = "/api/products/" + product("SKU-1");
  EXPECT_EQ(add().status, 200);
  call(Method::patch, path, {R"({"status":"draft"})", admin, {}});
  EXPECT_EQ(add().status, 409);
  call(Method::patch, path, {R"({"status":"active"})", admin, {}});
  EXPECT_EQ(add().status, 200);
  call(Method::del, path, {"", admin, {}});
  EXPECT_EQ(add().status, 409);
  product("SKU-2", 5, "EUR");
  EXPECT_EQ(post(items, R"({"sku":"SKU-2","quantity":1})", ann).text("error"), "CurrencyMismatch");
}

TEST_F(CartRoutes, DoNotLetTheShopperNameThePrice) {
  product("SKU-1");
  const std::string items = "/api/carts/" + cart(ann) + "/items";
  EXPECT_EQ(post(items, R"({"sku":"SKU-1","quantity":1,"unitPrice":{"amount":1,"currency":"USD"}})", ann).status, 400);
  EXPECT_EQ(post(items, R"({"sku":"SKU-1","quantity":1,"name":"x"})", ann).status, 400);
  EXPECT_EQ(post(items, R"({"sku":"SKU-1","quantity":0})", ann).status, 400);
  EXPECT_EQ(post(items, R"({"quantity":1})", ann).status, 400);
}

TEST_F(CartRoutes, ChangeAndRemoveLines) {
  const std::string id = filled_cart(ann), line = "/api/carts/" + id + "/items/SKU-1";
  const auto changed = call(Method::patch, line, {R"({"quantity":3})", ann, {}});
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body, (json{{"id", id}, {"version", 3}}));
  EXPECT_EQ(call(Method::patch, line, {"{}", ann, {}}).status, 400);
  EXPECT_EQ(call(Method::patch, line, {R"({"quantity":-1})", ann, {}}).status, 400);
  EXPECT_EQ(call(Method::patch, line, {R"({"quantity":1,"sku":"x"})", ann, {}}).status, 400);
  EXPECT_EQ(call(Method::del, line, {"", ann, {}}).status, 200);
  EXPECT_EQ(call(Method::del, line, {"", ann, {}}).text("error"), "ItemNotInCart");
  EXPECT_EQ(call(Method::patch, line, {R"({"quantity":0})", ann, {}}).status, 409);
}

TEST_F(CartRoutes, UnknownCartsAreNotFound) {
  for (const std::string& as : {guest, ann, admin}) {
    EXPECT_EQ(post("/api/carts/nope/items", R"({"sku":"S","quantity":1})", as).status, 404);
    EXPECT_EQ(call(Method::patch, "/api/carts/nope/items/S", {R"({"quantity":1})", as, {}}).status, 404);
    EXPECT_EQ(call(Method::del, "/api/carts/nope/items/S", {"", as, {}}).status, 404);
    EXPECT_EQ(check_out("nope", as).status, 404);
  }
}

class CheckoutRoute : public FakeShop {
 protected:
  orders::v1::OrderPlaced placed(const Answer& answer) {
    orders::v1::OrderPlaced order;
    const auto events = writer.events("orders", answer.text("orderId"), 1, 1);
    EXPECT_EQ(events.size(), 1u) << answer.body;
    if (!events.empty()) order.ParseFromString(events[0].bytes);
    return order;
  }
};

TEST_F(CheckoutRoute, PlacesTheOrderBeforeItAnswers) {
  const std::string id = filled_cart(ann), order_id = order_id_of_cart(id);
  const auto answer = check_out(id, ann);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, (json{{"orderId", order_id}, {"orderNumber", order_number(order_id)}, {"status", "PENDING"}}));
  EXPECT_EQ(answer.header("Location"), "/api/orders/" + order_id);
  EXPECT_EQ(answer.header("ETag"), "\"1\"");
  EXPECT_THAT(answer.header("Everfold-Position"), MatchesRegex("carts\\.[0-7]:[0-9]+,orders\\.[0-7]:[0-9]+"));
  EXPECT_EQ(placed(answer).customer_id(), "ann");
  EXPECT_EQ(placed(answer).total().amount(), 2000);
}

TEST_F(CheckoutRoute, GivesAGuestTheOrdersToken) {
  const auto answer = check_out(filled_cart(guest), guest);
  EXPECT_EQ(answer.status, 201);
  EXPECT_TRUE(tokens.order_token_matches(answer.text("orderId"), answer.text("orderToken")));
  EXPECT_FALSE(placed(answer).has_customer_id());
}

TEST_F(CheckoutRoute, AGuestWhoLogsInBuysForThemselves) {
  const auto answer = check_out(filled_cart(guest), ann);
  EXPECT_EQ(placed(answer).customer_id(), "ann");
  EXPECT_FALSE(answer.body.contains("orderToken"));
}

TEST_F(CheckoutRoute, StaffBuyForWhomTheySay) {
  EXPECT_EQ(placed(check_out(filled_cart(seller), seller, "", R"(,"customerId":"bob")")).customer_id(), "bob");
}

TEST_F(CheckoutRoute, StaffCheckACustomersCartOutForThatCustomer) {
  EXPECT_EQ(placed(check_out(filled_cart(ann), seller)).customer_id(), "ann");
}

TEST_F(CheckoutRoute, OthersMayNameOnlyThemselves) {
  const std::string id = filled_cart(ann);
  EXPECT_EQ(check_out(id, ann, "", R"(,"customerId":"bob")").status, 403);
  EXPECT_EQ(check_out(id, ann, "", R"(,"customerId":"ann")").status, 201);
}

TEST_F(CheckoutRoute, TheSameKeyHasTheSameAnswer) {
  const std::string id = filled_cart(guest);
  const auto first = check_out(id, guest, "k"), again = check_out(id, guest, "k");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.headers, first.headers);
  EXPECT_EQ(check_out(id, guest, "another").text("error"), "CartCheckedOut");
  EXPECT_EQ(check_out(id, guest).status, 409);
  EXPECT_EQ(
      post("/api/carts/" + id + "/checkout", R"({"payment":{"provider":"sandbox","method":"decline"}})", guest, "k")
          .status,
      422);
}

TEST_F(CheckoutRoute, TheSagasCommandIsTheSame) {
  const std::string id = filled_cart(guest);
  const auto answer = check_out(id, guest);
  const Command& mine = writer.commands.back();
  EXPECT_EQ(mine.type, "everfold.orders.PlaceOrder.v1");
  const auto cause = writer.events("carts", id, 1, 100).back();
  EXPECT_EQ(mine.meta.id, derive_id({cause.meta.id, "everfold.orders.PlaceOrder.v1", answer.text("orderId")}));
  EXPECT_EQ(mine.meta.digest, "");
}

TEST_F(CheckoutRoute, ARetryFinishesWhatWasDoneInPart) {
  const std::string id = filled_cart(guest);
  writer.unavailable_type = "everfold.orders.PlaceOrder.v1";
  const auto partly = check_out(id, guest, "k");
  EXPECT_EQ(partly.status, 503);
  EXPECT_THAT(partly.text("message"), ::testing::HasSubstr("same Idempotency-Key"));
  writer.unavailable_type.clear();
  EXPECT_EQ(check_out(id, guest, "k").status, 201);
}

TEST_F(CheckoutRoute, RefusesWhatCannotBeBought) {
  EXPECT_EQ(check_out(cart(guest), guest).text("error"), "CartEmpty");
  const std::string path = "/api/carts/" + filled_cart(guest) + "/checkout";
  for (const char* body : {"", "{}", R"({"payment":{}})", R"({"payment":{"provider":"cash","method":"approve"}})",
                           R"({"payment":{"provider":"sandbox","method":"x"}})", R"({"payment":"sandbox"})",
                           R"({"payment":{"provider":"sandbox","method":"approve"},"orderId":"mine"})",
                           R"({"payment":{"provider":"sandbox","method":"approve"},"couponCode":"X"})"})
    EXPECT_EQ(post(path, body).status, 400) << body;
}

class OrderRoutes : public FakeShop {};

TEST_F(OrderRoutes, CancelAnswersTheState) {
  const std::string id = check_out(filled_cart(ann), ann).text("orderId"), path = "/api/orders/" + id + "/cancel";
  EXPECT_EQ(post(path, "{}", ann).status, 400);
  EXPECT_EQ(post(path, "", ann).status, 400);
  EXPECT_EQ(post(path, R"({"reason":"PAYMENT_DECLINED"})", ann).status, 400);  // the checkout's own word
  const auto cancelled = post(path, R"({"reason":"changed my mind"})", ann);
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(cancelled.body, (json{{"id", id}, {"status", "CANCELLED"}, {"version", 2}}));
  EXPECT_EQ(post(path, R"({"reason":"changed my mind"})", ann).body, cancelled.body);
  EXPECT_EQ(post(path, R"({"reason":"another"})", ann).text("error"), "OrderNotCancellable");
  EXPECT_EQ(post("/api/orders/nope/cancel", R"({"reason":"x"})", admin).status, 404);
  EXPECT_EQ(post("/api/orders/nope/cancel", R"({"reason":"x"})").status, 404);
}

class PaymentRoutes : public FakeShop {};

TEST_F(PaymentRoutes, CompleteThenRefund) {
  const std::string id = open_payment("o-1", "ann");
  const std::string complete = "/api/payments/sandbox/" + id + "/complete",
                    refunds = "/api/payments/" + id + "/refunds";
  EXPECT_EQ(post(complete, R"({"outcome":"maybe"})", ann).status, 400);
  EXPECT_EQ(post(complete, "{}", ann).status, 400);
  const auto completed = post(complete, R"({"outcome":"approve"})", ann);
  EXPECT_EQ(completed.status, 200);
  EXPECT_EQ(completed.body, (json{{"id", id}, {"status", "CAPTURED"}, {"version", 3}}));
  EXPECT_EQ(post(complete, R"({"outcome":"approve"})", ann).text("error"), "PaymentNotOpen");

  EXPECT_EQ(post(refunds, "{}", seller).status, 400);
  EXPECT_EQ(post(refunds, R"({"reason":"x","refundId":"mine"})", seller).status, 400);
  EXPECT_EQ(post(refunds, R"({"reason":"x","amount":{"amount":2001,"currency":"USD"}})", seller).text("error"),
            "RefundExceedsCaptured");
  const auto refunded = post(refunds, R"({"reason":"late","amount":{"amount":500,"currency":"USD"}})", seller, "k");
  EXPECT_EQ(refunded.status, 201);
  EXPECT_EQ(refunded.text("paymentId"), id);
  EXPECT_EQ(refunded.body["amount"], (json{{"amount", 500}, {"currency", "USD"}}));
  EXPECT_EQ(refunded.text("status"), "REQUESTED");
  EXPECT_EQ(refunded.header("Location"), "/api/payments/" + id);

  EXPECT_EQ(post(refunds, R"({"reason":"rest"})", seller).body["amount"]["amount"], 1500);
  writer.forget_commands();
  const auto again = post(refunds, R"({"reason":"late","amount":{"amount":500,"currency":"USD"}})", seller, "k");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.text("id"), refunded.text("id"));
  EXPECT_EQ(again.body["amount"]["amount"], 500);
}

TEST_F(PaymentRoutes, DeclineIsAnOutcomeToo) {
  const std::string id = open_payment("o-1", "ann");
  const auto declined = post("/api/payments/sandbox/" + id + "/complete", R"({"outcome":"decline"})", ann);
  EXPECT_EQ(declined.status, 200);
  EXPECT_EQ(declined.text("status"), "DECLINED");
  EXPECT_EQ(post("/api/payments/nope/refunds", R"({"reason":"x"})", admin).status, 404);
}

}  // namespace
}  // namespace everfold::testing
