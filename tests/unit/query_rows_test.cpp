// Single rows: who sees them, versions, positions, sparse fields, asOf, history. Orders stand for all where the code is
// shared.
#include <gtest/gtest.h>

#include "projections/carts/carts.hpp"
#include "projections/catalog/products.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"
#include "tests/messages.hpp"
#include "tests/unit/query_shop.hpp"

namespace everfold::query {
namespace {

using testing::make;

constexpr int64_t noon_ms = 1'769'860'800'000;  // 2026-01-31T12:00:00Z
constexpr int64_t minute_ms = 60'000;

orders::Event placed(const std::string& customer = "ann", int64_t total = 4499) {
  auto event = make<orders::v1::OrderPlaced>(R"(order_number: "EF-1" cart_id: "c1"
      lines { sku: "A" name: "Thing" quantity: 1 unit_price { amount: 4499 currency: "USD" } }
      subtotal { currency: "USD" } discount { currency: "USD" } shipping { currency: "USD" } total { currency: "USD" })");
  if (!customer.empty()) event.set_customer_id(customer);
  event.mutable_total()->set_amount(total);
  return event;
}
orders::Event confirmed() {
  return make<orders::v1::OrderConfirmed>("payment { id: 'p1' status: CAPTURED payment_version: 2 }");
}
orders::Event cancelled() { return make<orders::v1::OrderCancelled>("reason: 'late'"); }

payments::Event requested(const std::string& customer) {
  auto event = make<payments::v1::PaymentRequested>(
      "order_id: 'o1' amount { amount: 4499 currency: 'USD' } provider: 'sandbox' method: 'approve'");
  if (!customer.empty()) event.set_customer_id(customer);
  return event;
}

carts::Event cart_of(const std::string& customer) {
  auto event = make<carts::v1::CartCreated>("currency: 'USD'");
  if (!customer.empty()) event.set_customer_id(customer);
  return event;
}

catalog::Event product(const std::string& status) {
  return make<catalog::v1::ProductCreated>(
      "sku: 'A' details { name: 'Thing' price { amount: 1999 currency: 'USD' } status: " + status + " }");
}

// o1: placed by ann at noon, reserved a minute later, confirmed after two.
class OneOrder : public ::testing::Test {
 protected:
  OneOrder() {
    shop.record<orders::Orders>("o1", placed(), noon_ms, "ann");
    shop.record<orders::Orders>("o1", make<orders::v1::OrderStockReserved>(), noon_ms + minute_ms, "process:checkout");
    shop.record<orders::Orders>("o1", confirmed(), noon_ms + 2 * minute_ms, "process:checkout");
  }
  Headers ann_with(const std::string& name, const std::string& value) const {
    auto headers = shop.as("ann");
    headers.emplace_back(name, value);
    return headers;
  }

  QueryShop shop;
};

TEST_F(OneOrder, is_a_row_with_its_version_as_etag) {
  const auto answer = shop.get("/api/orders/o1", shop.as("ann"));
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.headers.at("ETag"), "\"3\"");
  const auto order = answer.json();
  EXPECT_EQ(order["id"], "o1");
  EXPECT_EQ(order["orderNumber"], "EF-1");
  EXPECT_EQ(order["status"], "CONFIRMED");
  EXPECT_EQ(order["total"], nlohmann::json::parse(R"({"amount": 4499, "currency": "USD"})"));
  EXPECT_EQ(order["lines"][0]["unitPrice"]["amount"], 4499);
  EXPECT_EQ(order["payment"], nlohmann::json::parse(R"({"id": "p1", "status": "CAPTURED"})"));
  EXPECT_EQ(order["placedAt"], "2026-01-31T12:00:00.000Z");
  EXPECT_EQ(order["version"], 3);
  EXPECT_FALSE(order.contains("cancellation"));
}

TEST_F(OneOrder, is_503_rather_than_old_when_it_cannot_be_folded_on) {
  shop.park("orders", "o1", "view orders cannot read event 4 of o1");
  shop.park("orders", "o", "a shorter key");
  const auto answer = shop.get("/api/orders/o1", shop.as("ann"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.json()["message"], "view orders cannot read event 4 of o1");
  EXPECT_TRUE(answer.headers.contains("Retry-After"));
  EXPECT_EQ(shop.get("/api/orders/o1", shop.as("bob")).status, 404) << "whom it is none of the business of";
  shop.record<orders::Orders>("o2", placed(), noon_ms, "ann");
  EXPECT_EQ(shop.get("/api/orders/o2", shop.as("ann")).status, 200);
  EXPECT_EQ(shop.get("/api/orders/o1?asOf=2026-02-01T00:00:00Z", shop.as("ann")).status, 200) << "its past is what it was";
}

TEST_F(OneOrder, access_by_who_asks) {
  const Headers with_token{{"everfold-order-token", shop.order_token("o1")}};
  const Headers with_other_token{{"everfold-order-token", shop.order_token("o2")}};
  const struct {
    const char* who;
    Headers headers;
    int existing, missing;
  } callers[] = {
      {"nobody", {}, 401, 401},
      {"its customer", shop.as("ann"), 200, 404},
      {"another customer", shop.as("bob"), 404, 404},
      {"a seller", shop.as("sam", "seller"), 200, 404},
      {"an admin", shop.as("ada", "admin"), 200, 404},
      {"whoever has its token", with_token, 200, 404},
      {"whoever has another order's token", with_other_token, 404, 404},
      {"somebody with a bad bearer token", {{"authorization", "Bearer a.b.c"}}, 401, 401},
  };
  for (const auto& caller : callers) {
    for (const char* suffix : {"", "?asOf=2026-02-01T00:00:00Z", "/history"}) {
      EXPECT_EQ(shop.get(std::string("/api/orders/o1") + suffix, caller.headers).status, caller.existing)
          << caller.who << suffix;
      EXPECT_EQ(shop.get(std::string("/api/orders/none") + suffix, caller.headers).status, caller.missing)
          << caller.who << suffix;
    }
  }
}

TEST_F(OneOrder, a_guests_order_is_nobodys_by_name) {
  shop.record<orders::Orders>("o2", placed(""), noon_ms);
  EXPECT_EQ(shop.get("/api/orders/o2", shop.as("")).status, 401);  // a token needs a subject
  EXPECT_EQ(shop.get("/api/orders/o2", shop.as("bob")).status, 404);
  EXPECT_EQ(shop.get("/api/orders/o2", {{"everfold-order-token", shop.order_token("o2")}}).status, 200);
}

TEST_F(OneOrder, not_modified_when_the_client_has_the_version) {
  for (const char* tags : {"\"3\"", "W/\"3\"", "\"1\", \"3\"", "*"}) {
    const auto answer = shop.get("/api/orders/o1", ann_with("if-none-match", tags));
    EXPECT_EQ(answer.status, 304) << tags;
    EXPECT_EQ(answer.headers.at("ETag"), "\"3\"");
    EXPECT_EQ(answer.text, "");
  }
  EXPECT_EQ(shop.get("/api/orders/o1", ann_with("if-none-match", "\"2\"")).status, 200);
  EXPECT_EQ(shop.get("/api/orders/o1", {{"if-none-match", "\"3\""}}).status, 401) << "a 304 says that it exists";
}

TEST_F(OneOrder, sparse_fields) {
  const auto answer = shop.get("/api/orders/o1?fields=status,id", shop.as("ann"));
  EXPECT_EQ(answer.json(), nlohmann::json::parse(R"({"id": "o1", "status": "CONFIRMED"})"));
  EXPECT_EQ(answer.headers.at("ETag"), "\"3\"");
  for (const char* bad : {"state", "id,", "", "order_number", "payment.id", "id%20"}) {
    const auto refused = shop.get(std::string("/api/orders/o1?fields=") + bad, shop.as("ann"));
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_EQ(refused.json()["details"][0]["field"], "fields") << refused.text;
  }
}

TEST_F(OneOrder, unknown_and_repeated_parameters_are_refused_by_name) {
  const auto unknown = shop.get("/api/orders/o1?colour=red", shop.as("ann"));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.json()["details"][0]["field"], "colour");
  EXPECT_NE(unknown.json()["message"].get<std::string>().find("fields, asOf"), std::string::npos) << unknown.text;
  EXPECT_EQ(shop.get("/api/orders/o1?fields=id&fields=status", shop.as("ann")).status, 400);
  EXPECT_EQ(shop.get("/api/orders/o1/history?page=2", shop.as("ann")).status, 400);
}

TEST_F(OneOrder, as_of_a_time) {
  const auto at = [&](const std::string& time) { return shop.get("/api/orders/o1?asOf=" + time, shop.as("ann")); };
  EXPECT_EQ(at("2026-01-31T11:59:59.999Z").status, 404);
  EXPECT_EQ(at("2026-01-31T12:00:00Z").json()["status"], "PENDING");
  EXPECT_EQ(at("2026-01-31T12:01:59.999Z").json()["status"], "STOCK_RESERVED");
  EXPECT_EQ(at("2026-01-31T12:01:00Z").headers.at("ETag"), "\"2\"");
  EXPECT_EQ(at("2026-01-31T13:02:00%2B01:00").json()["status"], "CONFIRMED");
  EXPECT_EQ(at("2099-01-01T00:00:00Z").json(), shop.get("/api/orders/o1", shop.as("ann")).json());
  EXPECT_EQ(at("2026-01-31T12:01:00Z&fields=status").json(), nlohmann::json::parse(R"({"status": "STOCK_RESERVED"})"));
  EXPECT_EQ(shop.get("/api/orders/o1?asOf=2026-01-31T12:01:00Z", ann_with("if-none-match", "\"2\"")).status, 304);
  for (const char* bad : {"yesterday", "", "2026-01-31", "2026-13-01T00:00:00Z"}) EXPECT_EQ(at(bad).status, 400) << bad;
}

TEST_F(OneOrder, as_of_stops_at_the_first_later_event_even_if_clocks_disagree) {
  shop.record<orders::Orders>("o1", cancelled(), noon_ms);  // a clock that is two minutes behind
  EXPECT_EQ(shop.get("/api/orders/o1?asOf=2026-01-31T12:00:30Z", shop.as("ann")).json()["status"], "PENDING");
}

TEST_F(OneOrder, history_is_every_event_oldest_first) {
  const auto answer = shop.get("/api/orders/o1/history", shop.as("ann"));
  ASSERT_EQ(answer.status, 200) << answer.text;
  const auto items = answer.json()["items"];
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0]["sequence"], 1);
  EXPECT_EQ(items[0]["type"], "OrderPlaced");
  EXPECT_EQ(items[0]["at"], "2026-01-31T12:00:00.000Z");
  EXPECT_EQ(items[0]["actor"], "ann");
  EXPECT_EQ(items[0]["correlationId"], "correlation-of-o1");
  EXPECT_EQ(items[0]["data"]["orderNumber"], "EF-1");
  EXPECT_EQ(items[2]["type"], "OrderConfirmed");
  EXPECT_EQ(items[2]["data"]["payment"]["status"], "CAPTURED");
}

TEST_F(OneOrder, a_guests_events_have_no_actor) {
  shop.record<orders::Orders>("o2", placed(""), noon_ms);
  const auto items = shop.get("/api/orders/o2/history", shop.as_staff()).json()["items"];
  EXPECT_FALSE(items[0].contains("actor"));
}

TEST_F(OneOrder, histories_of_ids_that_begin_alike_are_kept_apart) {
  shop.record<orders::Orders>("o11", placed(), noon_ms);
  shop.record<orders::Orders>("o1/x", placed(), noon_ms);
  EXPECT_EQ(shop.get("/api/orders/o11/history", shop.as("ann")).json()["items"].size(), 1u);
  EXPECT_EQ(shop.get("/api/orders/o1/history", shop.as("ann")).json()["items"].size(), 3u);
}

TEST_F(OneOrder, a_position_that_is_applied_does_not_wait) {
  const auto answer =
      shop.get("/api/orders/o1", ann_with("everfold-position", shop.position("orders") + ",carts.0:900"));
  EXPECT_EQ(answer.status, 200) << "logs that the view does not fold are no reason to wait";
}

TEST_F(OneOrder, a_position_is_waited_for) {
  for (const char* suffix : {"", "/history", "?asOf=2099-01-01T00:00:00Z"}) {
    shop.send(std::string("/api/orders/o1") + suffix, ann_with("everfold-position", shop.position("orders", 1)));
    EXPECT_FALSE(shop.answered_already());
    shop.record<orders::Orders>("o1", cancelled(), noon_ms + 3 * minute_ms);
    const auto answer = shop.await_answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.text.find("late"), std::string::npos) << "as new as the position: " << answer.text;
  }
}

TEST(Position, not_reached_in_time_is_unavailable_and_never_a_stale_answer) {
  QueryShop shop({.busy = std::chrono::milliseconds(1), .max_wait = std::chrono::milliseconds(20)});
  shop.record<orders::Orders>("o1", placed(), noon_ms);
  auto headers = shop.as("ann");
  headers.emplace_back("everfold-position", shop.position("orders", 1));
  const auto answer = shop.get("/api/orders/o1", headers);
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.headers.contains("Retry-After"));
  EXPECT_EQ(shop.views().waiting(), 0u);
}

TEST_F(OneOrder, a_position_that_is_none_is_refused) {
  const auto answer = shop.get("/api/orders/o1", ann_with("everfold-position", "yesterday"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.json()["message"].get<std::string>().find("Everfold-Position"), std::string::npos);
}

TEST_F(OneOrder, without_its_view_nothing_is_answered) {
  EXPECT_EQ(shop.views().not_ready(), std::nullopt);
  shop.take_away_views();
  for (const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10); !shop.views().not_ready();)
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  auto answer = shop.get("/api/orders/o1", shop.as("ann"));
  for (const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10); answer.status == 200;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    answer = shop.get("/api/orders/o1", shop.as("ann"));
  }
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.headers.contains("Retry-After"));
}

TEST_F(OneOrder, a_view_that_cannot_be_read_is_unavailable_and_told_to_the_operator_alone) {
  shop.damage_views();
  for (const char* target : {"/api/orders/o1", "/api/orders/o1/history", "/api/orders"}) {
    const auto answer = shop.get(target, shop.as("ann"));
    EXPECT_EQ(answer.status, 503) << target;
    EXPECT_EQ(answer.text.find("bad block"), std::string::npos);
    const auto warnings = shop.take_warnings();
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("bad block"), std::string::npos);
  }
}

TEST(Carts, a_guests_cart_belongs_to_whoever_knows_its_id) {
  QueryShop shop;
  shop.record<carts::Carts>("guest", cart_of(""), noon_ms);
  shop.record<carts::Carts>("anns", cart_of("ann"), noon_ms);
  const struct {
    Headers headers;
    int guests, anns;
  } callers[] = {{{}, 200, 404}, {shop.as("ann"), 200, 200}, {shop.as("bob"), 200, 404}, {shop.as_staff(), 200, 200}};
  for (const auto& caller : callers) {
    for (const char* suffix : {"", "/history", "?asOf=2099-01-01T00:00:00Z"}) {
      EXPECT_EQ(shop.get(std::string("/api/carts/guest") + suffix, caller.headers).status, caller.guests) << suffix;
      EXPECT_EQ(shop.get(std::string("/api/carts/anns") + suffix, caller.headers).status, caller.anns) << suffix;
    }
  }
}

TEST(Payments, belong_to_the_customer_or_to_whoever_has_the_orders_token) {
  QueryShop shop;
  shop.record<payments::Payments>("p1", requested("ann"), noon_ms);
  shop.record<payments::Payments>("p2", requested(""), noon_ms);
  EXPECT_EQ(shop.get("/api/payments/p1").status, 401);
  EXPECT_EQ(shop.get("/api/payments/p1", shop.as("ann")).status, 200);
  EXPECT_EQ(shop.get("/api/payments/p1", shop.as("bob")).status, 404);
  EXPECT_EQ(shop.get("/api/payments/p2", shop.as("ann")).status, 404);
  EXPECT_EQ(shop.get("/api/payments/p2", {{"everfold-order-token", shop.order_token("o1")}}).status, 200);
  EXPECT_EQ(shop.get("/api/payments/p2", {{"everfold-order-token", shop.order_token("o2")}}).status, 404);
  EXPECT_EQ(shop.get("/api/payments/p2/history", shop.as_staff()).json()["items"][0]["type"], "PaymentRequested");
}

TEST(Products, drafts_are_for_staff_and_archived_ones_stay_readable) {
  QueryShop shop;
  shop.record<catalog::Products>("draft", product("draft"), noon_ms);
  shop.record<catalog::Products>("archived", product("active"), noon_ms);
  shop.record<catalog::Products>("archived", make<catalog::v1::ProductArchived>("sku: 'A'"), noon_ms + minute_ms);
  EXPECT_EQ(shop.get("/api/products/draft").status, 404);
  EXPECT_EQ(shop.get("/api/products/draft", shop.as("ann")).status, 404);
  EXPECT_EQ(shop.get("/api/products/draft", shop.as_staff()).status, 200);
  EXPECT_EQ(shop.get("/api/products/archived").json()["status"], "archived");
  EXPECT_EQ(shop.get("/api/products/archived?asOf=2026-01-31T12:00:00Z").json()["status"], "active");
  EXPECT_EQ(shop.get("/api/products/archived/history").status, 401);
  EXPECT_EQ(shop.get("/api/products/archived/history", shop.as("ann")).status, 403);
  EXPECT_EQ(shop.get("/api/products/archived/history", shop.as_staff()).json()["items"].size(), 2u);
}

TEST(Stock, is_everybodys_to_read) {
  QueryShop shop;
  shop.record<inventory::Stock>("A B", make<inventory::v1::StockReceived>("quantity: 5 on_hand: 5"), noon_ms);
  const auto answer = shop.get("/api/inventory/A%20B");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), nlohmann::json::parse(R"({"sku": "A B", "onHand": 5, "reserved": 0, "available": 5,
                                                      "lowStockThreshold": 0, "low": false, "version": 1})"));
  EXPECT_EQ(shop.get("/api/inventory/none").status, 404);
}

}  // namespace
}  // namespace everfold::query
