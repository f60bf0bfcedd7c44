#include "command-side/edge/edge.hpp"

#include <string>
#include <utility>

#include "command-side/edge/lookup.hpp"

namespace everfold::edge {
namespace {

std::string position_of(const CommandDone& done) { return to_string(done.log) + ":" + std::to_string(done.position); }

constexpr const char* behind = "This node has not yet read what others have answered";

// No look-up can change it.
bool is_about_the_request(Code code) {
  return code == Code::malformed || code == Code::validation_failed || code == Code::unauthenticated;
}

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

// One request on its way. Look-ups at this node may lag behind what other nodes have answered: `sure` when they do not.
struct Edge::Request {
  Call call;
  Prepare prepare;
  http::Responder responder;
  WantedPositions seen;  // not read yet
  bool sure = false;
};

void Edge::add(http::Router& router, http::Method method, std::string_view pattern, Prepare prepare) {
  router.add(method, pattern, [this, prepare = std::move(prepare)](http::Request&& http_request, http::Responder responder) {
    auto call = Call::of(std::move(http_request), ports_);
    if (!call) return responder.reject(call.error());
    WantedPositions seen = call.value().has_seen();
    const auto request = std::make_shared<Request>(std::move(call).value(), prepare, std::move(responder), std::move(seen));
    if (ports_.has_caught_up()) await_seen(request);
    else make_sure(request);
  });
}

// What the caller has seen, this node's look-ups must see too.
void Edge::await_seen(const std::shared_ptr<Request>& request) {
  if (request->seen.empty()) return start(request);
  WantedPosition next = std::move(request->seen.back());
  request->seen.pop_back();
  ports_.bus.when_read(std::move(next), [this, request](bool reached) {
    if (reached) await_seen(request);
    else request->responder.reject(nothing_done(behind));
  });
}

void Edge::start(const std::shared_ptr<Request>& request) {
  auto wish = prepared(request->prepare, request->call);
  if (wish) return run(std::move(wish).value(), request, "");
  if (request->sure || is_about_the_request(wish.error().code)) return request->responder.reject(wish.error());
  make_sure(request);
}

void Edge::make_sure(const std::shared_ptr<Request>& request) {
  request->sure = true;
  ports_.catch_up([this, request](bool reached) {
    if (reached) await_seen(request);
    else request->responder.reject(nothing_done(behind));
  });
}

void Edge::run(Wish wish, const std::shared_ptr<Request>& request, std::string positions_before) {
  Command command = std::move(wish.command);
  ports_.bus.submit(std::move(command), [this, wish = std::move(wish), request, before = std::move(positions_before)](Outcome outcome) {
    try {
      answer(wish, std::move(outcome), request, before);
    } catch (const UnreadableHistory& why) {
      request->responder.reject(reject(Code::unavailable, std::string(why.what()) + " The command itself is done."));
    }
  });
}

void Edge::answer(const Wish& wish, Outcome outcome, const std::shared_ptr<Request>& request, const std::string& before) {
  http::Responder& responder = request->responder;
  if (!outcome && !before.empty()) return responder.reject(done_in_part(outcome.error()));
  // Decided by what was looked up here.
  if (!outcome && outcome.error().code == Code::product_unavailable && !request->sure) return make_sure(request);
  if (!outcome) return responder.reject(outcome.error());
  const CommandDone& done = outcome.value();
  std::string positions = before.empty() ? position_of(done) : before + "," + position_of(done);
  if (wish.then) {
    auto next = wish.then(done);
    if (!next) return responder.reject(done_in_part(next.error()));
    return run(std::move(next).value(), request, std::move(positions));
  }
  http::Response response = wish.answer(done);
  response.headers.emplace_back("ETag", '"' + std::to_string(done.version) + '"');
  response.headers.emplace_back("Everfold-Position", std::move(positions));
  responder.send(std::move(response));
}

http::Response created(std::string location, std::string body) {
  return {201, {{"Location", std::move(location)}}, std::move(body)};
}

}  // namespace everfold::edge
