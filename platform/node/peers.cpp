#include "platform/node/peers.hpp"

#include <algorithm>
#include <utility>

#include "platform/http_client/client.hpp"
#include "schemas/node/v1/forward.pb.h"

namespace everfold::node {
namespace {

constexpr std::string_view path = "/internal/commands";
constexpr const char* media_type = "application/x-protobuf";
constexpr const char* token_header = "everfold-node";
constexpr int64_t longest_wait_ms = 60'000;

v1::ForwardedCommand message_of(const Command& command, int64_t remaining_ms) {
  const CommandMeta& meta = command.meta;
  v1::ForwardedCommand message;
  message.set_id(meta.id);
  message.set_context(meta.context);
  message.set_aggregate_id(meta.aggregate_id);
  message.set_time_ms(meta.time_ms);
  message.set_correlation_id(meta.correlation_id);
  message.set_causation_id(meta.causation_id);
  message.set_traceparent(meta.traceparent);
  message.set_actor(meta.actor);
  message.set_digest(meta.digest);
  message.set_expected_version(meta.expected_version);
  message.set_type(command.type);
  message.set_body(command.bytes);
  message.set_remaining_ms(remaining_ms);
  return message;
}

Command command_of(const v1::ForwardedCommand& message) {
  CommandMeta meta;
  meta.id = message.id();
  meta.context = message.context();
  meta.aggregate_id = message.aggregate_id();
  meta.time_ms = message.time_ms();
  meta.correlation_id = message.correlation_id();
  meta.causation_id = message.causation_id();
  meta.traceparent = message.traceparent();
  meta.actor = message.actor();
  meta.digest = message.digest();
  meta.expected_version = message.expected_version();
  return {std::move(meta), message.type(), message.body()};
}

v1::Event message_of(const StoredEvent& event) {
  v1::Event message;
  message.set_id(event.meta.id);
  message.set_type(event.meta.type);
  message.set_version(event.meta.version);
  message.set_time_ms(event.meta.time_ms);
  message.set_correlation_id(event.meta.correlation_id);
  message.set_traceparent(event.meta.traceparent);
  message.set_actor(event.meta.actor);
  message.set_digest(event.digest);
  message.set_offset(event.offset);
  message.set_body(event.bytes);
  return message;
}

StoredEvent event_of(const v1::Event& message, const CommandMeta& command) {
  StoredEvent event;
  event.meta = {message.id(),      message.type(),         command.context, command.aggregate_id, message.version(),
                message.time_ms(), message.correlation_id(), command.id,      message.traceparent(), message.actor()};
  event.bytes = message.body();
  event.digest = message.digest();
  event.offset = message.offset();
  return event;
}

v1::ForwardedOutcome message_of(const Outcome& outcome) {
  v1::ForwardedOutcome message;
  if (outcome) {
    const CommandDone& done = outcome.value();
    auto& out = *message.mutable_done();
    for (const StoredEvent& event : done.events) *out.add_events() = message_of(event);
    out.set_version(done.version);
    out.set_shard(done.log.shard);
    out.set_position(done.position);
    return message;
  }
  auto& out = *message.mutable_refused();
  out.set_code(static_cast<int>(outcome.error().code));
  out.set_message(outcome.error().message);
  for (const FieldError& error : outcome.error().details) {
    auto& detail = *out.add_details();
    detail.set_field(error.field);
    detail.set_message(error.message);
  }
  return message;
}

// Nothing: another version's answer that this one cannot read.
std::optional<Outcome> outcome_of(const v1::ForwardedOutcome& message, const CommandMeta& command) {
  if (message.has_done()) {
    CommandDone done;
    for (const v1::Event& event : message.done().events()) done.events.push_back(event_of(event, command));
    done.version = message.done().version();
    done.log = {command.context, message.done().shard()};
    done.position = message.done().position();
    return done;
  }
  if (!message.has_refused() || message.refused().code() < 0 || message.refused().code() > static_cast<int>(last_code)) return std::nullopt;
  Rejection rejection = reject(static_cast<Code>(message.refused().code()), message.refused().message());
  for (const auto& detail : message.refused().details()) rejection.details.push_back({detail.field(), detail.message()});
  return rejection;
}

class HttpPeers final : public Peers {
 public:
  explicit HttpPeers(std::string token) : token_(std::move(token)) {}

  Answer send(const std::string& url, const Command& command, int64_t timeout_ms) override {
    thread_local HttpClient client;  // a thread of the forwarder talks to one node: one kept-alive connection each
    HttpRequest request;
    request.method = "POST";
    request.url = url + std::string(path);
    request.headers = {{token_header, token_}, {"Content-Type", media_type}};
    request.body = message_of(command, timeout_ms).SerializeAsString();
    request.timeout = std::chrono::milliseconds(timeout_ms);
    const HttpResult result = client.send(request);
    if (!result) return {std::nullopt, result.error().kind == TransportError::Kind::in_doubt};
    v1::ForwardedOutcome message;
    if (result.value().status != 200 || !message.ParseFromString(result.value().body)) return {std::nullopt, true};
    return {outcome_of(message, command.meta), true};
  }

 private:
  const std::string token_;
};

}  // namespace

std::unique_ptr<Peers> make_http_peers(std::string token) { return std::make_unique<HttpPeers>(std::move(token)); }

void add_forwarding_route(http::Router& router, ForwardingRoute route) {
  router.add(http::Method::post, path, [route = std::move(route)](http::Request&& request, http::Responder responder) {
    if (!route.is_node(request.header(token_header)))
      return responder.reject(reject(Code::unauthenticated, "This is for the nodes of this installation."));
    v1::ForwardedCommand message;
    if (!message.ParseFromString(request.body) || message.id().empty() || message.aggregate_id().empty())
      return responder.reject(reject(Code::malformed, "This is no forwarded command."));
    QueuedCommand queued;
    queued.command = command_of(message);
    queued.deadline_ms = route.now_ms() + std::clamp<int64_t>(message.remaining_ms(), 1, longest_wait_ms);
    queued.forwarded = true;
    const auto kept = std::make_shared<http::Responder>(std::move(responder));
    queued.reply = [kept](const Outcome& outcome) {
      kept->send({200, {{"Content-Type", media_type}}, message_of(outcome).SerializeAsString()});
    };
    route.submit(std::move(queued));
  }, media_type, /*counted=*/false);  // clients shall not crowd out what another node has taken; that node sends a few at a time
}

}  // namespace everfold::node
