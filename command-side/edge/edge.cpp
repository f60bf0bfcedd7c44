#include "command-side/edge/edge.hpp"

#include <string>
#include <utility>

#include "command-side/edge/lookup.hpp"

namespace everfold::edge {
namespace {

std::string position_of(const CommandDone& done) { return to_string(done.log) + ":" + std::to_string(done.position); }

// The first command of a request is done and a later one is not: "nothing was done" would be wrong.
Rejection done_in_part(const Rejection& rest) {
  if (rest.code == Code::unavailable)
    return reject(Code::unavailable,
                  "The first part of this request is done, the rest follows by itself. Send it again with the "
                  "same Idempotency-Key to get its answer.");
  return reject(Code::internal, "The first part of this request is done, and the rest was refused.");
}

Decided<Wish> prepared(const Prepare& prepare, const Call& call) {
  try {
    return prepare(call);
  } catch (const UnreadableHistory& why) {
    return reject(Code::unavailable, std::string(why.what()) + " Nothing was done.");
  }
}

}  // namespace

void Edge::add(http::Router& router, http::Method method, std::string_view pattern, Prepare prepare) {
  router.add(method, pattern, [this, prepare = std::move(prepare)](http::Request&& request, http::Responder responder) {
    const auto call = Call::of(std::move(request), ports_);
    if (!call) return responder.reject(call.error());
    auto wish = prepared(prepare, call.value());
    if (!wish) return responder.reject(wish.error());
    run(std::move(wish).value(), std::make_shared<http::Responder>(std::move(responder)), "");
  });
}

void Edge::run(Wish wish, std::shared_ptr<http::Responder> responder, std::string positions_before) {
  Command command = std::move(wish.command);
  ports_.bus.submit(std::move(command), [this, wish = std::move(wish), responder = std::move(responder),
                                         before = std::move(positions_before)](Outcome outcome) {
    try {
      answer(wish, std::move(outcome), responder, before);
    } catch (const UnreadableHistory& why) {
      responder->reject(reject(Code::unavailable, std::string(why.what()) + " The command itself is done."));
    }
  });
}

void Edge::answer(const Wish& wish, Outcome outcome, const std::shared_ptr<http::Responder>& responder,
                  const std::string& before) {
  if (!outcome) return responder->reject(before.empty() ? outcome.error() : done_in_part(outcome.error()));
  const CommandDone& done = outcome.value();
  std::string positions = before.empty() ? position_of(done) : before + "," + position_of(done);
  if (wish.then) {
    auto next = wish.then(done);
    if (!next) return responder->reject(done_in_part(next.error()));
    return run(std::move(next).value(), responder, std::move(positions));
  }
  http::Response response = wish.answer(done);
  response.headers.emplace_back("ETag", '"' + std::to_string(done.version) + '"');
  response.headers.emplace_back("Everfold-Position", std::move(positions));
  responder->send(std::move(response));
}

http::Response created(std::string location, std::string body) {
  return {201, {{"Location", std::move(location)}}, std::move(body)};
}

}  // namespace everfold::edge
