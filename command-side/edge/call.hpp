// One request that wants a command done: who asks, what the body says, and the command's metadata.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/rejection.hpp"
#include "platform/auth/token_verifier.hpp"
#include "platform/http/server.hpp"
#include "platform/json/parse.hpp"
#include "runtime/writer/command_bus.hpp"

namespace everfold::edge {

// What the edge reaches the rest of the world by. All must outlive the server.
struct Ports {
  CommandBus& bus;
  const History& history;
  const auth::TokenVerifier& tokens;
  std::function<int64_t()> now_ms;         // since 1970
  std::function<std::string()> random_id;  // not guessable: a guest's cart id is the capability to it
  std::function<bool()> has_caught_up;  // has read what was in the logs a little while ago: look-ups are no older than that
  std::function<void(std::function<void(bool reached)>)> catch_up;  // calls back when all that is in the logs now has been read
};

class Call {
 public:
  // Refuses what is wrong with the headers: Authorization, Idempotency-Key, If-Match, Everfold-Position.
  static Decided<Call> of(http::Request request, const Ports& ports);

  const std::optional<auth::Principal>& caller() const { return caller_; }
  bool is_staff() const { return caller_ && caller_->is_staff(); }
  bool is_customer(std::string_view id) const { return caller_ && caller_->subject == id; }
  bool holds_token_of(std::string_view order_id) const;  // a guest's Everfold-Order-Token
  std::optional<Rejection> needs_staff() const;

  // Of the path. Ids are opaque: one that cannot be ours is not found.
  Decided<std::string> id() const;
  Decided<std::string> sku() const;

  template <class Message>
  struct Body {
    Message message;
    std::vector<std::string> fields;  // that it gave
  };
  template <class Message>
  Decided<Body<Message>> body(const json::ParseOptions& options = {}) const {
    Body<Message> body;
    auto fields = json::parse_into(request_.body, body.message, options);
    if (!fields) return std::move(fields).error();
    body.fields = std::move(fields).value();
    return body;
  }
  // For commands without fields: no body, or {}.
  std::optional<Rejection> has_fields() const;

  // Everfold-Position: what the caller knows to have happened.
  const WantedPositions& has_seen() const { return has_seen_; }

  // The same request with the same Idempotency-Key has the same command id; so has whatever is derived from it.
  const std::string& command_id() const { return meta_.id; }
  std::string derived_id(std::string_view purpose) const;

  template <class Message>
  Command command(std::string_view context, std::string aggregate_id, const Message& message) const {
    auto encoded = encode_message(message);
    Command command{meta_, std::move(encoded.type), std::move(encoded.bytes)};
    command.meta.context = context;
    command.meta.aggregate_id = std::move(aggregate_id);
    return command;
  }

  const History& history() const { return ports_->history; }

 private:
  Call(http::Request request, const Ports& ports) : request_(std::move(request)), ports_(&ports) {}

  http::Request request_;
  const Ports* ports_;
  std::optional<auth::Principal> caller_;
  CommandMeta meta_;  // without context and aggregate
  WantedPositions has_seen_;
};

}  // namespace everfold::edge
