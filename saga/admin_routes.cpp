#include "saga/admin_routes.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kernel/codec.hpp"
#include "platform/json/object.hpp"
#include "platform/node/writer_node.hpp"
#include "saga/checkout/decider.hpp"

namespace everfold::saga {
namespace {

// The caller's subject.
Decided<std::string> admin(const auth::TokenVerifier& tokens, const http::Request& request) {
  auto caller = tokens.principal(request.header("authorization"));
  if (!caller) return std::move(caller).error();
  if (!caller.value()) return reject(Code::unauthenticated, "An admin's token is needed.");
  if (!caller.value()->is_admin()) return reject(Code::forbidden, "The role admin is needed.");
  return caller.value()->subject;
}

Command poke(const http::Request& request, std::string actor) {
  Encoded encoded = encode_message(checkout::v1::Poke{});
  Command command{{}, std::move(encoded.type), std::move(encoded.bytes)};
  command.meta.id = node::random_id();
  command.meta.context = checkout::Checkout::context;
  command.meta.aggregate_id = request.param("id");
  command.meta.time_ms = node::wall_clock_ms();
  command.meta.correlation_id = request.correlation_id;
  command.meta.traceparent = request.traceparent;
  command.meta.actor = std::move(actor);
  return command;
}

// "everfold.checkout.PaymentAsked.v1" is told as PaymentAsked.
std::string name_of(const std::string& type) {
  const std::size_t end = type.rfind('.'), begin = type.rfind('.', end - 1) + 1;
  return type.substr(begin, end - begin);
}

http::Response poked(const std::string& id, const CommandDone& done) {
  std::string asked;
  for (const StoredEvent& event : done.events) asked += (asked.empty() ? "\"" : ",\"") + name_of(event.meta.type) + '"';
  return {
      200, {}, json::Object().text("id", id).number("version", done.version).json("asked", '[' + asked + ']').str()};
}

}  // namespace

void add_admin_routes(http::Router& router, const auth::TokenVerifier& tokens, CommandBus& processes) {
  router.add(http::Method::post, "/admin/checkouts/{id}/poke", [&](http::Request&& request, http::Responder responder) {
    auto actor = admin(tokens, request);
    if (!actor) return responder.reject(actor.error());
    const auto waiting = std::make_shared<http::Responder>(std::move(responder));
    processes.submit(poke(request, std::move(actor).value()),
                     [id = request.param("id"), waiting](const Outcome& outcome) {
                       if (outcome)
                         waiting->send(poked(id, outcome.value()));
                       else
                         waiting->reject(outcome.error());
                     });
  });
}

}  // namespace everfold::saga
