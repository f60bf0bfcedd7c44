// Deciding again, at any point of an aggregate's accepted history.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/codec.hpp"
#include "runtime/writer/command.hpp"
#include "tests/simulator/history.hpp"

namespace everfold::simulator {

// A decider without its types, and without what runtime/ makes of it.
class Rules {
 public:
  virtual ~Rules() = default;
  // Nothing is evolved. Nothing at all: no such command.
  virtual std::optional<Decided<std::vector<Encoded>>> decide(const std::string& type, const std::string& bytes) const = 0;
  virtual void evolve(const StoredEvent& event) = 0;
};
std::unique_ptr<Rules> rules_of(const std::string& context);  // at version 0

// An answer without events, and when it may have been decided.
struct Claim {
  const Command* command;
  const Rejection* rejection;  // null: nothing was to be done
  int64_t done_version = 0;    // as then told
  std::size_t from = 0, to = 0;  // commits of the aggregate that were there: at least, at most
  std::string who;               // for people
};

// Folds one aggregate's history. Decides every commit again (`command_of` gives its command) and finds for every claim a
// moment at which it was right. Throws Violation.
void judge_aggregate(const AggregateId& id, const std::vector<const AcceptedCommit*>& commits, std::vector<Claim> claims,
                     const std::function<const Command*(const AcceptedCommit&)>& command_of);

}  // namespace everfold::simulator
