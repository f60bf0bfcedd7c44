// What all command routes share, seen through some of them: who may, which version, which key, what is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "schemas/carts/v1/commands.pb.h"
#include "tests/unit/fake_shop.hpp"

namespace everfold::testing {
namespace {

using http::Method;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class EdgeTest : public FakeShop {
 protected:
  Answer with(const std::vector<std::pair<std::string, std::string>>& headers) {
    return call(Method::post, "/api/carts", {R"({"currency":"USD"})", "", headers});
  }
};

TEST_F(EdgeTest, ACommandCarriesWhatItsRequestSays) {
  call(Method::post, "/api/carts", {R"({"currency":"USD"})", ann, {{"if-match", "\"0\""}}});
  ASSERT_EQ(writer.commands.size(), 1u);
  const CommandMeta& meta = writer.commands[0].meta;
  EXPECT_EQ(meta.id, "random-1");
  EXPECT_EQ(meta.context, "carts");
  EXPECT_EQ(meta.time_ms, now_ms);
  EXPECT_EQ(meta.correlation_id, "corr-1");
  EXPECT_EQ(meta.causation_id, "");
  EXPECT_EQ(meta.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(meta.actor, "ann");
  EXPECT_EQ(meta.expected_version, 0);
  EXPECT_EQ(meta.digest, derive_id({"POST /api/carts", R"({"currency":"USD"})"}));
  EXPECT_EQ(writer.commands[0].type, "everfold.carts.CreateCart.v1");
}

TEST_F(EdgeTest, AnAnswerCarriesVersionAndPosition) {
  const auto answer = with({});
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("ETag"), "\"1\"");
  EXPECT_THAT(answer.header("Everfold-Position"), MatchesRegex("carts\\.[0-7]:1"));
  EXPECT_EQ(answer.header("Location"), "/api/carts/" + answer.text("id"));
}

TEST_F(EdgeTest, IfMatchNamesOneVersionOrAny) {
  const std::string id = product("SKU-1");
  const auto patch = [&](const std::string& if_match) {
    return call(Method::patch, "/api/products/" + id, {"{}", admin, {{"if-match", if_match}}}).status;
  };
  for (const char* good : {"\"1\"", "*"}) EXPECT_EQ(patch(good), 200) << good;
  for (const char* stale : {"\"0\"", "\"2\"", "\"999999999999999999\""}) EXPECT_EQ(patch(stale), 412) << stale;
  for (const char* bad : {"", "1", "W/\"1\"", "\"\"", "\"1", "1\"", "\"01\"", "\"-1\"", "\"+1\"", "\" 1\"",
                          "\"1\", \"2\"", "\"x\"", "**", "\"*\"", "\"1.0\"", "\"99999999999999999999\"", "\"1\"x"})
    EXPECT_EQ(patch(bad), 400) << bad;
}

TEST_F(EdgeTest, AnIdempotencyKeyIs1To255VisibleCharacters) {
  for (const std::string& good : {std::string("a"), std::string("!~"), std::string(255, 'k')})
    EXPECT_EQ(with({{"idempotency-key", good}}).status, 201) << good;
  for (const std::string& bad :
       {std::string(), std::string(256, 'k'), std::string("a b"), std::string("é"), std::string("a\tb")})
    EXPECT_EQ(with({{"idempotency-key", bad}}).status, 400) << bad;
}

TEST_F(EdgeTest, HeadersThatCannotBeTwoThingsAreRefusedTwice) {
  EXPECT_EQ(with({{"idempotency-key", "a"}, {"idempotency-key", "b"}}).status, 400);
  EXPECT_EQ(with({{"if-match", "*"}, {"if-match", "*"}}).status, 400);
  EXPECT_EQ(with({{"authorization", "Bearer " + ann}, {"authorization", "Bearer " + bob}}).status, 400);
}

TEST_F(EdgeTest, TheSameKeyIsTheSameCommand) {
  const auto create = [&](const std::string& as, const std::string& key) {
    return post("/api/carts", R"({"currency":"USD"})", as, key);
  };
  const auto first = create(ann, "k1"), again = create(ann, "k1");
  EXPECT_EQ(first.body, again.body);
  EXPECT_EQ(first.headers, again.headers);
  EXPECT_EQ(writer.commands[0].meta.id, derive_id({"http", "ann", "POST /api/carts", "k1"}));
  EXPECT_NE(create(ann, "k2").text("id"), first.text("id"));
  EXPECT_NE(create(bob, "k1").text("id"), first.text("id"));
  EXPECT_NE(create(ann, "").text("id"), create(ann, "").text("id"));
}

TEST_F(EdgeTest, TheSameKeyForAnotherRequestIsRefused) {
  const std::string body = R"({"currency":"USD"})";
  EXPECT_EQ(post("/api/carts", body, ann, "k").status, 201);
  const auto other = post("/api/carts", R"({"currency":"EUR"})", ann, "k");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.text("error"), "IdempotencyKeyReused");
}

TEST_F(EdgeTest, TheSameKeyOnAnotherPathIsAnotherCommand) {
  product("SKU-1");
  const std::string one = cart(ann), two = cart(ann);
  for (const std::string& id : {one, two})
    EXPECT_EQ(post("/api/carts/" + id + "/items", R"({"sku":"SKU-1","quantity":1})", ann, "k").status, 200);
}

TEST_F(EdgeTest, ATokenThatDoesNotHoldIsRefusedEverywhere) {
  for (const std::string& bad : {std::string("abc.def.ghi"), std::string("x"), ann + "x"}) {
    EXPECT_EQ(post("/api/carts", R"({"currency":"USD"})", bad).status, 401);
    EXPECT_EQ(post("/api/products", "{}", bad).status, 401);
  }
  const auto answer = post("/api/carts", "not json", "x");
  EXPECT_EQ(answer.text("error"), "Unauthenticated");
  EXPECT_EQ(answer.text("traceId"), "trace-1");
  EXPECT_TRUE(writer.commands.empty());
}

TEST_F(EdgeTest, BodiesThatDoNotFitAreRefused) {
  const std::pair<const char*, const char*> table[] = {{"", "MalformedRequest"},
                                                       {"[]", "MalformedRequest"},
                                                       {"{", "MalformedRequest"},
                                                       {"\xff", "MalformedRequest"},
                                                       {R"({"currency":"USD","currency":"USD"})", "MalformedRequest"},
                                                       {R"({"currency":"XXQ"})", "ValidationError"},
                                                       {"{}", "ValidationError"},
                                                       {R"({"currency":"USD","customerId":"bob"})", "ValidationError"},
                                                       {R"({"currency":1})", "ValidationError"}};
  for (const auto& [body, error] : table) {
    const auto answer = post("/api/carts", body, ann);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.text("error"), error) << body;
  }
}

TEST_F(EdgeTest, WhenTheOutcomeIsNotKnownTheClientIsToldToTryAgain) {
  writer.unavailable_type = "everfold.carts.CreateCart.v1";
  const auto answer = post("/api/carts", R"({"currency":"USD"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.header("Retry-After"), "");
}

TEST_F(EdgeTest, NobodyIsRefusedForWhatAnotherNodeHasDone) {
  product("BOOK-1");
  carts::v1::CreateCart created;
  created.set_currency("USD");
  before_caught_up = [&] { writer.tell("carts", "cart-1", created); };
  EXPECT_EQ(post("/api/carts/cart-1/items", R"({"sku":"BOOK-1","quantity":1})").status, 200);
  EXPECT_EQ(catch_ups, 1);
  before_caught_up = nullptr;
  EXPECT_EQ(post("/api/carts/cart-2/items", R"({"sku":"BOOK-1","quantity":1})").status, 404);
  EXPECT_EQ(catch_ups, 2) << "once is enough";
}

TEST_F(EdgeTest, AProductThatAnotherNodeMadeJustNowCanBeBought) {
  const std::string cart = post("/api/carts", R"({"currency":"USD"})").text("id");
  before_caught_up = [&] {
    if (catch_ups == 1) product("BOOK-1");
  };
  EXPECT_EQ(post("/api/carts/" + cart + "/items", R"({"sku":"BOOK-1","quantity":1})").status, 200);
  EXPECT_EQ(post("/api/carts/" + cart + "/items", R"({"sku":"BOOK-2","quantity":1})").status, 409);
}

TEST_F(EdgeTest, AnOldStateRefusesNothingAndDecidesNothing) {
  writer.behind = true;
  EXPECT_EQ(post("/api/carts/cart-1/items", R"({"sku":"BOOK-1","quantity":1})").status, 503);
  caught_up = false;  // a node that has just started
  EXPECT_EQ(with({}).status, 503);
  EXPECT_EQ(with({{"everfold-position", "carts.1:7"}}).status, 503);
  EXPECT_TRUE(writer.commands.empty());
  writer.behind = false;
  EXPECT_EQ(with({}).status, 201);
}

TEST_F(EdgeTest, WhatTheCallerHasSeenIsReadFirst) {
  EXPECT_EQ(with({{"everfold-position", "carts.1:7,orders.0:3"}}).status, 201);
  EXPECT_EQ(writer.awaited.size(), 2u);
  EXPECT_EQ(with({{"everfold-position", "yesterday"}}).status, 400);
}

TEST_F(EdgeTest, ABusThatLetsGoOfACommandDoesNotLeaveTheClientWaiting) {
  writer.silent = true;
  EXPECT_EQ(post("/api/carts", R"({"currency":"USD"})").status, 503);
}

// Who may do what: one row a route, one column a caller.
class AuthorisationTest : public FakeShop {
 protected:
  struct Row {
    std::string name;
    std::function<Answer(const std::string& as)> act;
    std::vector<int> statuses;  // guest, ann, bob, seller, admin
  };

  void expect_matrix(const std::vector<Row>& rows) {
    const std::pair<const char*, std::string> callers[] = {
        {"guest", guest}, {"ann", ann}, {"bob", bob}, {"seller", seller}, {"admin", admin}};
    for (const Row& row : rows)
      for (std::size_t i = 0; i < std::size(callers); ++i)
        EXPECT_EQ(row.act(callers[i].second).status, row.statuses[i]) << row.name << " as " << callers[i].first;
  }
};

TEST_F(AuthorisationTest, OfTheCatalogueAndTheStock) {
  const std::string id = product("SKU-1");
  const std::string path = "/api/products/" + id, stock = "/api/inventory/SKU-1/";
  expect_matrix({
      {"create",
       [&](auto& as) { return post("/api/products", R"({"sku":"S","name":"x"})", as); },
       {401, 403, 403, 400, 400}},
      {"replace",
       [&](auto& as) {
         return call(Method::put, path, {"{}", as, {}});
       },
       {401, 403, 403, 400, 400}},
      {"change",
       [&](auto& as) {
         return call(Method::patch, path, {"{}", as, {}});
       },
       {401, 403, 403, 200, 200}},
      {"receive",
       [&](auto& as) { return post(stock + "receipts", R"({"quantity":1})", as); },
       {401, 403, 403, 200, 200}},
      {"adjust",
       [&](auto& as) { return post(stock + "adjustments", R"({"delta":1,"reason":"x"})", as); },
       {401, 403, 403, 200, 200}},
      {"threshold",
       [&](auto& as) {
         return call(Method::put, stock + "threshold", {R"({"lowStock":5})", as, {}});
       },
       {401, 403, 403, 200, 200}},
      {"archive",
       [&](auto& as) {
         return call(Method::del, path, {"", as, {}});
       },
       {401, 403, 403, 204, 204}},
  });
}

TEST_F(AuthorisationTest, OfACustomersCart) {
  product("SKU-1");
  const std::string path = "/api/carts/" + cart(ann);
  const std::string item = R"({"sku":"SKU-1","quantity":1})";
  expect_matrix({
      {"add", [&](auto& as) { return post(path + "/items", item, as); }, {403, 200, 403, 200, 200}},
      {"change",
       [&](auto& as) {
         return call(Method::patch, path + "/items/SKU-1", {R"({"quantity":3})", as, {}});
       },
       {403, 200, 403, 200, 200}},
      {"remove another",
       [&](auto& as) {
         return call(Method::del, path + "/items/SKU-2", {"", as, {}});
       },
       {403, 409, 403, 409, 409}},
      {"check out",
       [&](auto& as) { return post(path + "/checkout", R"({"payment":{"provider":"cash","method":"x"}})", as); },
       {403, 400, 403, 400, 400}},
  });
}

TEST_F(AuthorisationTest, OfAGuestsCartItsIdIsEnough) {
  product("SKU-1");
  const std::string path = "/api/carts/" + cart(guest);
  expect_matrix({
      {"add",
       [&](auto& as) { return post(path + "/items", R"({"sku":"SKU-1","quantity":1})", as); },
       {200, 200, 200, 200, 200}},
      {"change",
       [&](auto& as) {
         return call(Method::patch, path + "/items/SKU-1", {R"({"quantity":3})", as, {}});
       },
       {200, 200, 200, 200, 200}},
  });
}

TEST_F(AuthorisationTest, OfCustomersOnlyStaffNameOthers) {
  const std::string path = "/api/carts/" + cart(guest) + "/checkout";  // empty: whoever may, hears that
  const std::string for_ann = R"({"payment":{"provider":"sandbox","method":"approve"},"customerId":"ann"})";
  expect_matrix({{"check out for ann", [&](auto& as) { return post(path, for_ann, as); }, {403, 409, 403, 409, 409}}});
}

TEST_F(AuthorisationTest, OfCancellingACustomersOrder) {
  const std::string order = check_out(filled_cart(ann), ann).text("orderId");
  const std::string path = "/api/orders/" + order + "/cancel";
  const std::string order_token = tokens.make_order_token(order);
  expect_matrix(
      {{"cancel", [&](auto& as) { return post(path, R"({"reason":"late"})", as); }, {403, 200, 403, 200, 200}}});
  EXPECT_EQ(call(Method::post, path, {R"({"reason":"late"})", guest, {{"everfold-order-token", order_token}}}).status,
            403);
}

TEST_F(AuthorisationTest, OfCancellingAGuestsOrder) {
  const auto placed = check_out(filled_cart(guest), guest);
  const std::string path = "/api/orders/" + placed.text("orderId") + "/cancel";
  EXPECT_EQ(post(path, R"({"reason":"late"})").status, 403);
  EXPECT_EQ(post(path, R"({"reason":"late"})", ann).status, 403);
  const std::string other = tokens.make_order_token("another");
  EXPECT_EQ(call(Method::post, path, {R"({"reason":"late"})", guest, {{"everfold-order-token", other}}}).status, 403);
  EXPECT_EQ(
      call(Method::post, path, {R"({"reason":"late"})", guest, {{"everfold-order-token", placed.text("orderToken")}}})
          .status,
      200);
  EXPECT_EQ(post(path, R"({"reason":"late"})", seller).status, 200);
}

TEST_F(AuthorisationTest, OfPayments) {
  const std::string mine = open_payment("o-1", "ann"), guests = open_payment("o-2", "");
  const auto complete = [&](const std::string& id, const std::string& as, const std::string& order_token = "") {
    std::vector<std::pair<std::string, std::string>> headers;
    if (!order_token.empty()) headers.emplace_back("everfold-order-token", order_token);
    return call(Method::post, "/api/payments/sandbox/" + id + "/complete", {R"({"outcome":"approve"})", as, headers})
        .status;
  };
  EXPECT_EQ(complete(mine, guest), 403);
  EXPECT_EQ(complete(mine, bob), 403);
  EXPECT_EQ(complete(mine, guest, tokens.make_order_token("o-1")), 403);
  EXPECT_EQ(complete(guests, guest), 403);
  EXPECT_EQ(complete(guests, guest, tokens.make_order_token("o-1")), 403);
  EXPECT_EQ(complete("nothing", admin), 404);
  EXPECT_EQ(complete(mine, ann), 200);
  EXPECT_EQ(complete(guests, guest, tokens.make_order_token("o-2")), 200);
  expect_matrix({{"refund",
                  [&](auto& as) {
                    return post("/api/payments/" + mine + "/refunds",
                                R"({"amount":{"amount":1,"currency":"USD"},"reason":"x"})", as);
                  },
                  {401, 403, 403, 201, 201}}});
}

TEST_F(EdgeTest, AnEventOfALaterVersionCosts503ForItsAggregateAndNothingElse) {
  const std::string id = product("SKU-1");
  writer.write_unreadable("catalog", id);
  const auto add = [&](const std::string& sku) {
    const std::string cart = with({}).text("id");
    return call(Method::post, "/api/carts/" + cart + "/items", {R"({"sku":")" + sku + R"(","quantity":1})", "", {}});
  };
  product("SKU-2");
  EXPECT_EQ(add("SKU-1").status, 503);
  EXPECT_THAT(add("SKU-1").text("message"), HasSubstr("cannot read event 2 of " + id));
  EXPECT_LT(add("SKU-2").status, 300);
}

}  // namespace
}  // namespace everfold::testing
