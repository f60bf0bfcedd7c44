// Lists: paging, filters, sorting, sparse rows, and what is refused.
#include <gtest/gtest.h>

#include <chrono>

#include "projections/catalog/products.hpp"
#include "projections/checkout/checkouts.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"
#include "tests/messages.hpp"
#include "tests/unit/query_shop.hpp"

namespace everfold::query {
namespace {

using testing::make;
using Ids = std::vector<std::string>;

constexpr int64_t noon_ms = 1'769'860'800'000;  // 2026-01-31T12:00:00Z
constexpr int64_t hour_ms = 3'600'000;

void expect_refused(const Answered& answer, const std::string& field) {
  EXPECT_EQ(answer.status, 400) << field;
  EXPECT_EQ(answer.json()["details"][0]["field"], field) << answer.text;
}

class Catalogue : public ::testing::Test {
 protected:
  Catalogue() {
    add("p1",
        "name: 'Red Kettle' description: 'Boils' price { amount: 300 } category: 'kitchen' brand: 'Acme' status: "
        "active");
    add("p2",
        "name: 'blue lamp' description: 'For KETTLES no' price { amount: 100 } category: 'living' brand: 'Acme' "
        "status: active");
    add("p3", "name: 'Zebra' price { amount: 200 } category: 'kitchen' brand: 'Zoo' status: active");
    add("p4", "name: 'Amber' price { amount: 400 } category: 'kitchen' status: draft");
    add("p5", "name: 'Gone' price { amount: 50 } category: 'kitchen' status: active");
    shop.record<catalog::Products>("p5", make<catalog::v1::ProductArchived>("sku: 'p5'"), noon_ms);
  }
  void add(const std::string& id, const std::string& details) {
    shop.record<catalog::Products>(
        id, make<catalog::v1::ProductCreated>("sku: 'SKU-" + id + "' details { " + details + " }"),
        noon_ms + ++count_ * hour_ms);
  }
  Ids list(const std::string& query) {
    const auto answer = shop.get("/api/products" + query);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.ids();
  }

  QueryShop shop;

 private:
  int count_ = 0;
};

TEST_F(Catalogue, newest_first_without_drafts_and_archived_ones) {
  const auto answer = shop.get("/api/products").json();
  EXPECT_EQ(answer["items"].size(), 3u);
  EXPECT_EQ(answer["page"], 1);
  EXPECT_EQ(answer["pageSize"], 20);
  EXPECT_EQ(answer["totalCount"], 3);
  EXPECT_EQ(answer["totalPages"], 1);
  EXPECT_EQ(list(""), (Ids{"p3", "p2", "p1"}));
}

TEST_F(Catalogue, staff_see_drafts) {
  EXPECT_EQ(shop.get("/api/products", shop.as_staff()).ids(), (Ids{"p4", "p3", "p2", "p1"}));
  EXPECT_EQ(shop.get("/api/products?status=draft", shop.as_staff()).ids(), Ids{"p4"});
  EXPECT_EQ(shop.get("/api/products?status=active", shop.as_staff()).ids(), (Ids{"p3", "p2", "p1"}));
  EXPECT_EQ(shop.get("/api/products?status=draft").status, 401);
  EXPECT_EQ(shop.get("/api/products?status=draft", shop.as("ann")).status, 403);
  EXPECT_EQ(list("?status=active"), (Ids{"p3", "p2", "p1"}));
}

TEST_F(Catalogue, filters) {
  EXPECT_EQ(list("?search=KETTLE"), (Ids{"p2", "p1"}));
  EXPECT_EQ(list("?search=sku-p3"), Ids{"p3"});
  EXPECT_EQ(list("?search=100%25"), Ids{});
  EXPECT_EQ(list("?category=kitchen"), (Ids{"p3", "p1"}));
  EXPECT_EQ(list("?brand=Acme"), (Ids{"p2", "p1"}));
  EXPECT_EQ(list("?brand=acme"), Ids{});
  EXPECT_EQ(list("?minPrice=200"), (Ids{"p3", "p1"}));
  EXPECT_EQ(list("?maxPrice=200"), (Ids{"p3", "p2"}));
  EXPECT_EQ(list("?minPrice=200&maxPrice=200"), Ids{"p3"});
  EXPECT_EQ(list("?category=kitchen&brand=Acme"), Ids{"p1"});
}

TEST_F(Catalogue, sorting) {
  EXPECT_EQ(list("?sortBy=name"), (Ids{"p2", "p1", "p3"}));
  EXPECT_EQ(list("?sortBy=name&sortOrder=desc"), (Ids{"p3", "p1", "p2"}));
  EXPECT_EQ(list("?sortBy=price"), (Ids{"p2", "p3", "p1"}));
  EXPECT_EQ(list("?sortBy=createdAt"), (Ids{"p1", "p2", "p3"}));
  EXPECT_EQ(list("?sortOrder=asc"), (Ids{"p1", "p2", "p3"}));
}

TEST_F(Catalogue, pages) {
  EXPECT_EQ(list("?sortBy=price&pageSize=2"), (Ids{"p2", "p3"}));
  EXPECT_EQ(list("?sortBy=price&pageSize=2&page=2"), Ids{"p1"});
  EXPECT_EQ(list("?page=3"), Ids{});
  EXPECT_EQ(list("?page=1000000000&pageSize=100"), Ids{});
  EXPECT_EQ(shop.get("/api/products?pageSize=2").json()["totalPages"], 2);
  EXPECT_EQ(shop.get("/api/products?search=nothing").json()["totalPages"], 0);
}

TEST_F(Catalogue, sparse_rows) {
  const auto items = shop.get("/api/products?fields=id,price&sortBy=price&pageSize=1").json()["items"];
  EXPECT_EQ(items, nlohmann::json::parse(R"([{"id": "p2", "price": {"amount": 100, "currency": ""}}])"));
}

TEST_F(Catalogue, what_it_does_not_understand_is_refused_by_name) {
  for (const char* bad :
       {"page=0", "page=-1", "page=x", "page=", "page=1.5", "page=1000000001", "pageSize=0", "pageSize=101",
        "pageSize=%2B5", "sortBy=colour", "sortOrder=up", "minPrice=1.5", "maxPrice=-1", "status=archived",
        "fields=colour", "colour=red", "asOf=2026-01-31T12:00:00Z", "Page=1"}) {
    const std::string parameter(bad);
    expect_refused(shop.get("/api/products?" + parameter), parameter.substr(0, parameter.find('=')));
  }
  expect_refused(shop.get("/api/products?page=1&page=1"), "page");
}

TEST_F(Catalogue, everything_that_is_wrong_is_named_at_once) {
  const auto details = shop.get("/api/products?page=0&pageSize=0&colour=red").json()["details"];
  ASSERT_EQ(details.size(), 3u);
}

TEST_F(Catalogue, waits_for_a_position) {
  shop.send("/api/products", {{"everfold-position", shop.position("catalog", 1)}});
  EXPECT_FALSE(shop.answered_already());
  add("p6", "name: 'New' price { amount: 1 } status: active");
  EXPECT_EQ(shop.await_answer().ids(), (Ids{"p6", "p3", "p2", "p1"}));
}

class Orders : public ::testing::Test {
 protected:
  Orders() {
    add("o1", "ann", noon_ms, 300);
    add("o2", "bob", noon_ms + hour_ms, 100);
    add("o3", "ann", noon_ms + 2 * hour_ms, 200);
    add("o4", "", noon_ms + 3 * hour_ms, 400);
    add("o5", "ann/bob", noon_ms + 4 * hour_ms, 500);
    shop.record<orders::Orders>("o3", make<orders::v1::OrderConfirmed>(), noon_ms + 5 * hour_ms);
  }
  void add(const std::string& id, const std::string& customer, int64_t placed_ms, int64_t total) {
    auto event = make<orders::v1::OrderPlaced>("total { amount: " + std::to_string(total) + " currency: 'USD' }");
    if (!customer.empty()) event.set_customer_id(customer);
    shop.record<orders::Orders>(id, event, placed_ms);
  }
  Ids list(const std::string& query) {
    const auto answer = shop.get("/api/orders" + query, shop.as_staff());
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.ids();
  }

  QueryShop shop;
};

TEST_F(Orders, a_user_sees_their_own) {
  EXPECT_EQ(shop.get("/api/orders", shop.as("ann")).ids(), (Ids{"o3", "o1"}));
  EXPECT_EQ(shop.get("/api/orders?customerId=ann", shop.as("ann")).ids(), (Ids{"o3", "o1"}));
  EXPECT_EQ(shop.get("/api/orders?customerId=bob", shop.as("ann")).status, 403);
  EXPECT_EQ(shop.get("/api/orders", shop.as("ann/bob")).ids(), Ids{"o5"});
  EXPECT_EQ(shop.get("/api/orders").status, 401);
  EXPECT_EQ(shop.get("/api/orders", {{"everfold-order-token", shop.order_token("o4")}}).status, 401);
}

TEST_F(Orders, staff_see_all_or_one_customers) {
  EXPECT_EQ(list(""), (Ids{"o5", "o4", "o3", "o2", "o1"}));
  EXPECT_EQ(list("?customerId=ann"), (Ids{"o3", "o1"}));
  EXPECT_EQ(list("?customerId=an"), Ids{});
  EXPECT_EQ(list("?customerId="), Ids{});
}

TEST_F(Orders, filters_of_status_and_time) {
  EXPECT_EQ(list("?status=CONFIRMED"), Ids{"o3"});
  EXPECT_EQ(list("?status=PENDING&customerId=ann"), Ids{"o1"});
  EXPECT_EQ(list("?from=2026-01-31T13:00:00Z&to=2026-01-31T15:00:00Z"), (Ids{"o3", "o2"})) << "to is not included";
  EXPECT_EQ(list("?from=2026-01-31T15:00:00.001Z"), Ids{"o5"});
  EXPECT_EQ(list("?to=2026-01-31T12:00:00Z"), Ids{});
  EXPECT_EQ(list("?from=2026-01-31T14:00:00%2B01:00&to=2026-01-31T13:00:00.001Z"), Ids{"o2"});
}

TEST_F(Orders, sorting_and_pages) {
  EXPECT_EQ(list("?sortBy=total"), (Ids{"o2", "o3", "o1", "o4", "o5"}));
  EXPECT_EQ(list("?sortBy=total&sortOrder=desc&status=PENDING"), (Ids{"o5", "o4", "o1", "o2"}));
  EXPECT_EQ(list("?sortOrder=asc"), (Ids{"o1", "o2", "o3", "o4", "o5"}));
  EXPECT_EQ(list("?pageSize=2&page=2"), (Ids{"o3", "o2"}));
  EXPECT_EQ(shop.get("/api/orders?pageSize=2", shop.as_staff()).json()["totalPages"], 3);
}

TEST_F(Orders, refusals) {
  for (const char* bad :
       {"status=confirmed", "status=UNSPECIFIED", "from=yesterday", "to=1", "sortBy=id", "search=x"}) {
    const std::string parameter(bad);
    expect_refused(shop.get("/api/orders?" + parameter, shop.as_staff()), parameter.substr(0, parameter.find('=')));
  }
}

class StockRoom : public ::testing::Test {
 protected:
  StockRoom() {
    record("A", make<inventory::v1::StockReceived>("quantity: 5 reference: 'PO-1' on_hand: 5"));
    record("A", make<inventory::v1::LowStockThresholdSet>("threshold: 4 on_hand: 5"));
    record("A", make<inventory::v1::StockReserved>("order_id: 'o1' quantity: 2 on_hand: 5 reserved: 2"));
    record("A", make<inventory::v1::StockReservationRejected>("order_id: 'o2' quantity: 9 on_hand: 5 reserved: 2"));
    record("A", make<inventory::v1::StockCommitted>("order_id: 'o1' quantity: 2 on_hand: 3"));
    record("A", make<inventory::v1::StockReturned>("order_id: 'o1' quantity: 2 on_hand: 5"));
    record("A", make<inventory::v1::StockAdjusted>("delta: -2 reason: 'broken' on_hand: 3"));
    record("B", make<inventory::v1::StockReceived>("quantity: 1 on_hand: 1"));
  }
  void record(const std::string& sku, const inventory::Event& event) {
    shop.record<inventory::Stock>(sku, event, noon_ms + ++events_ * hour_ms);
  }

  QueryShop shop;

 private:
  int events_ = 0;
};

TEST_F(StockRoom, lists_levels) {
  EXPECT_EQ(shop.get("/api/inventory").ids("sku"), (Ids{"A", "B"}));
  EXPECT_EQ(shop.get("/api/inventory?sortBy=available").ids("sku"), (Ids{"B", "A"}));
  EXPECT_EQ(shop.get("/api/inventory?sortBy=onHand&sortOrder=desc").ids("sku"), (Ids{"A", "B"}));
  EXPECT_EQ(shop.get("/api/inventory?low=true").ids("sku"), Ids{"A"});
  EXPECT_EQ(shop.get("/api/inventory?low=false").ids("sku"), Ids{"B"});
  expect_refused(shop.get("/api/inventory?low=yes"), "low");
}

TEST_F(StockRoom, the_log_is_every_change_newest_first) {
  const auto answer = shop.get("/api/inventory/A/log?pageSize=3", shop.as_staff()).json();
  EXPECT_EQ(answer["totalCount"], 7);
  EXPECT_EQ(answer["items"], nlohmann::json::parse(R"([
      {"type": "ADJUSTED", "quantity": -2, "reason": "broken", "at": "2026-01-31T19:00:00.000Z", "onHand": 3, "reserved": 0},
      {"type": "RETURNED", "quantity": 2, "orderId": "o1", "at": "2026-01-31T18:00:00.000Z", "onHand": 5, "reserved": 0},
      {"type": "COMMITTED", "quantity": 2, "orderId": "o1", "at": "2026-01-31T17:00:00.000Z", "onHand": 3, "reserved": 0}])"));
  const auto last = shop.get("/api/inventory/A/log?pageSize=3&page=3&fields=type,reference", shop.as_staff()).json();
  EXPECT_EQ(last["items"], nlohmann::json::parse(R"([{"type": "RECEIVED", "reference": "PO-1"}])"));
  EXPECT_EQ(shop.get("/api/inventory/A/log?page=4&pageSize=3", shop.as_staff()).json()["items"].size(), 0u);
  const auto types = shop.get("/api/inventory/A/log?page=2&pageSize=3", shop.as_staff()).ids("type");
  EXPECT_EQ(types, (Ids{"REJECTED", "RESERVED", "THRESHOLD_SET"}));
}

TEST_F(StockRoom, the_log_is_for_staff) {
  EXPECT_EQ(shop.get("/api/inventory/A/log").status, 401);
  EXPECT_EQ(shop.get("/api/inventory/A/log", shop.as("ann")).status, 403);
  EXPECT_EQ(shop.get("/api/inventory/none/log", shop.as_staff()).status, 404);
}

TEST_F(StockRoom, as_of_a_time) {
  EXPECT_EQ(shop.get("/api/inventory/A?asOf=2026-01-31T15:00:00Z&fields=available,low").json(),
            nlohmann::json::parse(R"({"available": 3, "low": true})"));
}

TEST(CheckoutList, shows_staff_what_is_not_over_and_what_lingers) {
  QueryShop shop;
  const auto record = [&](const std::string& id, const auto& event, int64_t at_ms) {
    shop.record<checkout::Checkouts>(id, event, at_ms);
  };
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  record("young", checkout::v1::CheckoutStarted{}, now_ms);
  record("stuck", make<checkout::v1::CompensationFailed>("reason: 'late'"), noon_ms);
  record("old", checkout::v1::CheckoutStarted{}, noon_ms - 1);
  record("over", checkout::v1::CheckoutStarted{}, noon_ms);
  record("over", checkout::v1::CheckoutCompleted{}, noon_ms);
  EXPECT_EQ(shop.get("/api/checkouts").status, 401);
  EXPECT_EQ(shop.get("/api/checkouts", shop.as("ann")).status, 403);
  EXPECT_EQ(shop.get("/api/checkouts", shop.as_staff()).ids(), (Ids{"old", "stuck", "young"}));
  EXPECT_EQ(shop.get("/api/checkouts?quietFor=3600", shop.as_staff()).ids(), (Ids{"old", "stuck"}));
  EXPECT_EQ(shop.get("/api/checkouts?state=COMPENSATION_FAILED", shop.as_staff()).ids(), Ids{"stuck"});
  EXPECT_EQ(shop.get("/api/checkouts?quietFor=-1", shop.as_staff()).status, 400);
}

TEST(PaymentList, is_for_staff) {
  QueryShop shop;
  const auto record = [&](const std::string& id, const std::string& order, int64_t amount, int64_t at_ms) {
    auto event = make<payments::v1::PaymentRequested>("customer_id: 'ann' provider: 'sandbox'");
    event.set_order_id(order);
    event.mutable_amount()->set_amount(amount);
    shop.record<payments::Payments>(id, event, at_ms);
  };
  record("p1", "o1", 300, noon_ms);
  record("p2", "o2", 100, noon_ms + hour_ms);
  shop.record<payments::Payments>("p1", make<payments::v1::PaymentDeclined>("order_id: 'o1' reason: 'no'"),
                                  noon_ms + hour_ms);
  EXPECT_EQ(shop.get("/api/payments").status, 401);
  EXPECT_EQ(shop.get("/api/payments", shop.as("ann")).status, 403);
  EXPECT_EQ(shop.get("/api/payments", shop.as_staff()).ids(), (Ids{"p2", "p1"}));
  EXPECT_EQ(shop.get("/api/payments?sortBy=amount&sortOrder=desc", shop.as_staff()).ids(), (Ids{"p1", "p2"}));
  EXPECT_EQ(shop.get("/api/payments?status=DECLINED", shop.as_staff()).ids(), Ids{"p1"});
  EXPECT_EQ(shop.get("/api/payments?orderId=o2", shop.as_staff()).ids(), Ids{"p2"});
  EXPECT_EQ(shop.get("/api/payments?customerId=bob", shop.as_staff()).ids(), Ids{});
}

}  // namespace
}  // namespace everfold::query
