// The command edge with a shop behind it that has no Kafka: real deciders, a history in memory, every command answered
// at once.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command-side/contexts.hpp"
#include "command-side/routes.hpp"
#include "kernel/ids.hpp"
#include "kernel/shard.hpp"
#include "runtime/hosted_context.hpp"
#include "schemas/payments/v1/commands.pb.h"
#include "tests/ask_router.hpp"
#include "tests/tokens.hpp"

namespace everfold::testing {

// As the writer promises, in as few lines as that takes.
class FakeWriter final : public CommandBus, public History {
 public:
  FakeWriter() {
    for (auto& context : command_contexts()) add(std::move(context));
  }

  void submit(Command command, Reply reply) override {
    commands.push_back(command);
    if (unavailable_type == command.type) return reply(reject(Code::unavailable, "Nothing was done; try again."));
    if (silent) return;
    reply(done(command));
  }

  std::vector<StoredEvent> events(const std::string& context, const std::string& aggregate_id, int64_t from_version,
                                  std::size_t limit) const override {
    std::vector<StoredEvent> found;
    const auto history = histories_.find({context, aggregate_id});
    if (history == histories_.end()) return found;
    for (const StoredEvent& event : history->second)
      if (event.meta.version >= from_version && found.size() < limit) found.push_back(event);
    return found;
  }

  // What a process would send.
  template <class Message>
  void tell(const std::string& context, const std::string& aggregate_id, const Message& message) {
    auto encoded = encode_message(message);
    Command command{{}, encoded.type, encoded.bytes};
    command.meta.id = "told-" + std::to_string(commands.size() + histories_.size() + ++told_);
    command.meta.context = context;
    command.meta.aggregate_id = aggregate_id;
    ASSERT_TRUE(done(command)) << encoded.type;
  }

  // Forgets which commands were done, as a writer does after days.
  void forget_commands() { outcomes_.clear(); }

  std::vector<Command> commands;  // submitted, in order
  std::string unavailable_type;   // commands of this type are answered with unavailable
  bool silent = false;            // replies are dropped

 private:
  void add(std::unique_ptr<HostedContext> context) { contexts_.emplace(context->name(), std::move(context)); }

  Outcome done(const Command& command) {
    const CommandMeta& meta = command.meta;
    if (const auto known = outcomes_.find(meta.id); known != outcomes_.end()) {
      if (known->second.first == meta.digest) return known->second.second;
      return reject(Code::idempotency_key_reused, "This Idempotency-Key was used for another request.");
    }
    auto& history = histories_[{meta.context, meta.aggregate_id}];
    const auto version = static_cast<int64_t>(history.size());
    if (meta.expected_version >= 0 && meta.expected_version != version)
      return reject(Code::version_mismatch, "Another version.");
    const HostedContext& context = *contexts_.at(meta.context);
    const auto state = context.fresh();
    for (const StoredEvent& event : history) context.evolve(*state, event.meta.type, event.bytes);
    auto decided = context.decide(*state, command.type, command.bytes, 1'000'000);
    if (!decided) return std::move(decided).error();
    CommandDone result{{}, version, {meta.context, shard_of(meta.aggregate_id, 8)}, 0};
    for (const Encoded& encoded : decided.value()) {
      StoredEvent event{{event_id(meta.id, result.events.size() + 1), encoded.type, meta.context, meta.aggregate_id,
                         ++result.version, meta.time_ms, meta.correlation_id, meta.id, meta.traceparent, meta.actor},
                        encoded.bytes,
                        meta.digest,
                        next_offset_++};
      history.push_back(event);
      result.events.push_back(std::move(event));
    }
    result.position = next_offset_;
    if (!result.events.empty()) outcomes_.emplace(meta.id, std::pair(meta.digest, result));
    return result;
  }

  std::map<std::string, std::unique_ptr<HostedContext>, std::less<>> contexts_;
  std::map<std::pair<std::string, std::string>, std::vector<StoredEvent>> histories_;
  std::map<std::string, std::pair<std::string, CommandDone>> outcomes_;
  int64_t next_offset_ = 0;
  std::size_t told_ = 0;
};

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
      {writer, writer, tokens, [] { return now_ms; }, [this] { return "random-" + std::to_string(++ids); }}};
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
