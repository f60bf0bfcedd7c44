// The command edge with a shop behind it that has no Kafka: real deciders, a history in memory, every command answered
// at once.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "command-side/routes.hpp"
#include "schemas/payments/v1/commands.pb.h"
#include "tests/ask_router.hpp"
#include "tests/fake_writer.hpp"
#include "tests/tokens.hpp"

namespace everfold::testing {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;
  nlohmann::json body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  std::string text(const std::string& name) const { return body.value(name, ""); }
};

struct Ask {
  std::string body;
  std::string token;  // of Shop::token(); "": a guest
  std::vector<std::pair<std::string, std::string>> headers;
};

class FakeShop : public ::testing::Test {
 protected:
  static inline const std::string secret = std::string(64, '5');
  static constexpr int64_t now_ms = 1'800'000'000'000;

  FakeShop() { add_command_routes(router, edge); }

  static std::string token(const std::string& role, const std::string& subject) {
    return signed_token(R"({"alg":"HS256"})",
                        R"({"iss":"ecommerce-auth","aud":"ecommerce-services","exp":1800001000,"sub":")" + subject +
                            R"(","roles":[")" + role + R"("]})",
                        secret);
  }

  Answer call(http::Method method, const std::string& target, const Ask& what = {}) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = what.body;
    request.headers = what.headers;
    request.correlation_id = "corr-1";
    request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    if (!what.token.empty()) request.headers.emplace_back("authorization", "Bearer " + what.token);
    return answer_of(ask(router, std::move(request)));
  }

  Answer post(const std::string& target, const std::string& body, const std::string& as = "",
              const std::string& key = "") {
    Ask what{body, as, {}};
    if (!key.empty()) what.headers.emplace_back("idempotency-key", key);
    return call(http::Method::post, target, what);
  }

  // A product on sale.
  std::string product(const std::string& sku, int64_t price = 1000, const std::string& currency = "USD") {
    const auto created = post("/api/products",
                              R"({"sku":")" + sku + R"(","name":"Thing","price":{"amount":)" + std::to_string(price) +
                                  R"(,"currency":")" + currency + R"("}})",
                              admin);
    EXPECT_EQ(created.status, 201) << created.body;
    return created.text("id");
  }

  std::string cart(const std::string& as) {
    const auto created = post("/api/carts", R"({"currency":"USD"})", as);
    EXPECT_EQ(created.status, 201) << created.body;
    return created.text("id");
  }

  std::string filled_cart(const std::string& as) {
    product("SKU-1");
    const std::string id = cart(as);
    EXPECT_EQ(post("/api/carts/" + id + "/items", R"({"sku":"SKU-1","quantity":2})", as).status, 200);
    return id;
  }

  Answer check_out(const std::string& cart_id, const std::string& as, const std::string& key = "",
                   const std::string& more = "") {
    return post("/api/carts/" + cart_id + "/checkout",
                R"({"payment":{"provider":"sandbox","method":"manual"})" + more + "}", as, key);
  }

  // The payment of an order, waiting for its payer.
  std::string open_payment(const std::string& order_id, const std::string& customer_id) {
    const std::string id = payment_id_of_order(order_id);
    payments::v1::RequestPayment requested;
    requested.set_order_id(order_id);
    if (!customer_id.empty()) requested.set_customer_id(customer_id);
    requested.mutable_amount()->set_amount(2000);
    requested.mutable_amount()->set_currency("USD");
    requested.set_provider("sandbox");
    requested.set_method("manual");
    writer.tell("payments", id, requested);
    payments::v1::RecordPending pending;
    pending.set_provider_reference("ref-1");
    writer.tell("payments", id, pending);
    return id;
  }

  const std::string admin = token("admin", "a-1"), seller = token("seller", "s-1");
  const std::string ann = token("user", "ann"), bob = token("user", "bob"), guest;

  FakeWriter writer;
  auth::TokenVerifier tokens{secret, {.now_s = [] { return now_ms / 1000; }}};
  int ids = 0;
  edge::Edge edge{
      {writer, writer, tokens, [] { return now_ms; }, [this] { return "random-" + std::to_string(++ids); },
       [this] { return caught_up; }, [this](const std::function<void(bool)>& then) {
         ++catch_ups;
         if (before_caught_up) before_caught_up();
         then(!writer.behind);
       }}};
  bool caught_up = true;
  int catch_ups = 0;
  std::function<void()> before_caught_up;  // what others have done meanwhile
  http::Router router;

 private:
  static Answer answer_of(const http::Response& response) {
    Answer answer;
    answer.status = response.status;
    for (const auto& [name, value] : response.headers) answer.headers[name] = value;
    if (!response.body.empty()) answer.body = nlohmann::json::parse(response.body);
    return answer;
  }
};

}  // namespace everfold::testing
