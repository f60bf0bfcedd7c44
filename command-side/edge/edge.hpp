// What every command route shares: a request becomes a command, the command's outcome an answer.
//
// No route waits: the answer is sent from the thread that brings the outcome. Nor does one watch the clock: the bus
// answers every command by its deadline, with Code::unavailable and what to do then.
//
// With several nodes, somebody else may have answered what came before: a request that carries Everfold-Position is looked at when
// this node's history is at least that new, and none is refused for what a look-up did not find before this node has read all that was
// in the logs when it asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "command-side/edge/call.hpp"
#include "kernel/rejection.hpp"
#include "platform/http/server.hpp"
#include "runtime/writer/command.hpp"

namespace everfold::edge {

// A command, and what comes after it is done: an answer, or one more command that belongs to the same request. ETag and
// Everfold-Position are added to the answer. Both are called on the writer's thread and must not block.
struct Wish {
  Command command;
  std::function<http::Response(const CommandDone&)> answer;
  std::function<Decided<Wish>(const CommandDone&)> then;  // instead of `answer`
};

using Prepare = std::function<Decided<Wish>(const Call&)>;

class Edge {
 public:
  explicit Edge(Ports ports) : ports_(std::move(ports)) {}

  void add(http::Router& router, http::Method method, std::string_view pattern, Prepare prepare);
  const History& history() const { return ports_.history; }
  const auth::TokenVerifier& tokens() const { return ports_.tokens; }

 private:
  struct Request;

  void await_seen(const std::shared_ptr<Request>& request);
  void start(const std::shared_ptr<Request>& request);
  void make_sure(const std::shared_ptr<Request>& request);
  void run(Wish wish, const std::shared_ptr<Request>& request, std::string positions_before);
  void answer(const Wish& wish, Outcome outcome, const std::shared_ptr<Request>& request, const std::string& before);

  const Ports ports_;
};

// 201 with Location.
http::Response created(std::string location, std::string body);

}  // namespace everfold::edge
