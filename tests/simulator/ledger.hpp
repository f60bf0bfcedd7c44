// What was asked and what was answered, as the callers saw it: the evidence that the verdict weighs against the logs.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "runtime/writer/command.hpp"
#include "tests/simulator/process.hpp"

namespace everfold::simulator {

// Something that must never be. Ends the run.
struct Violation {
  std::string what;
};

// A command that a client wants done.
struct Wish {
  Command command;
  bool with_key = true;  // an Idempotency-Key: it may be sent again
  std::vector<std::size_t> attempts;
};

// One arrival of a wish at a node.
struct Attempt {
  Attempt(std::size_t of, const Process* by, int64_t now_ms, int64_t step)
      : wish(of), process(by), taken_ms(now_ms), taken_step(step) {}

  std::size_t wish;
  const Process* process;
  int64_t taken_ms, taken_step;
  int64_t answered_ms = 0, answered_step = 0;
  std::optional<Outcome> outcome;  // nothing: the node died first
};

// A command from a topic that its decider refused.
struct TopicRefusal {
  Command command;
  Rejection rejection;
  int64_t step = 0;
};

// What the payment provider did.
struct Till {
  std::map<std::string, int64_t> taken;     // by payment
  std::map<std::string, int64_t> returned;  // by refund
};

struct Ledger {
  std::deque<Wish> wishes;
  std::deque<Attempt> attempts;
  std::vector<TopicRefusal> refusals;
  Till till;
};

inline bool is_unavailable(const Outcome& outcome) { return !outcome && outcome.error().code == Code::unavailable; }
inline bool says_nothing_done(const Outcome& outcome) {
  return is_unavailable(outcome) && outcome.error().message.find("Nothing was done") != std::string::npos;
}

}  // namespace everfold::simulator
