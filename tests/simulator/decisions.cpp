#include "tests/simulator/decisions.hpp"

#include <utility>

#include "command-side/inventory/decider.hpp"
#include "command-side/orders/decider.hpp"
#include "command-side/payments/decider.hpp"
#include "saga/checkout/decider.hpp"
#include "tests/simulator/ledger.hpp"

namespace everfold::simulator {
namespace {

template <Decider D>
class RulesOf final : public Rules {
 public:
  std::optional<Decided<std::vector<Encoded>>> decide(const std::string& type, const std::string& bytes) const override {
    const auto command = everfold::decode<typename D::Command>(type, bytes);
    if (!command) return std::nullopt;
    auto decided = D::decide(state_, *command);
    if (!decided) return std::move(decided).error();
    std::vector<Encoded> events;
    for (const auto& event : decided.value()) events.push_back(encode(event));
    return events;
  }
  void evolve(const StoredEvent& event) override {
    auto read = everfold::decode<typename D::Event>(event.meta.type, event.bytes);
    if (!read) throw Violation{"event " + event.meta.id + " cannot be read"};
    state_ = D::evolve(std::move(state_), *read);
  }

 private:
  typename D::State state_;
};

void judge_commit(const AcceptedCommit& commit, const Command& command, const Rules& rules, int64_t version) {
  const std::string what = "command " + command.meta.id + " (" + command.type + " to " + command.meta.aggregate_id + ")";
  if (command.meta.expected_version >= 0 && command.meta.expected_version != version)
    throw Violation{what + " wanted version " + std::to_string(command.meta.expected_version) + " and was done at " +
                    std::to_string(version)};
  const auto decided = rules.decide(command.type, command.bytes);
  if (!decided || !*decided)
    throw Violation{what + " has events in the log, but on what precedes them it is refused: " +
                    (decided ? decided->error().message : "unreadable")};
  const std::vector<Encoded>& events = decided->value();
  bool same = events.size() == commit.events.size();
  for (std::size_t i = 0; same && i < events.size(); ++i)
    same = events[i].type == commit.events[i].meta.type && events[i].bytes == commit.events[i].bytes;
  if (!same) throw Violation{what + " was not decided on exactly what precedes its events in the log"};
  if (commit.events.front().digest != command.meta.digest) throw Violation{what + ": its digest is not in the log"};
}

bool right(const Claim& claim, const Rules& rules, int64_t version) {
  const CommandMeta& meta = claim.command->meta;
  const bool mismatch = meta.expected_version >= 0 && meta.expected_version != version;
  if (claim.rejection && claim.rejection->code == Code::version_mismatch)
    return mismatch && claim.rejection->message.find("current one is " + std::to_string(version) + ".") != std::string::npos;
  if (mismatch) return false;
  const auto decided = rules.decide(claim.command->type, claim.command->bytes);
  if (!decided) return false;
  if (claim.rejection) return !*decided && decided->error() == *claim.rejection;
  return decided->has_value() && decided->value().empty() && (claim.done_version < 0 || version == claim.done_version);
}

}  // namespace

std::unique_ptr<Rules> rules_of(const std::string& context) {
  if (context == "inventory") return std::make_unique<RulesOf<inventory::Inventory>>();
  if (context == "orders") return std::make_unique<RulesOf<orders::Orders>>();
  if (context == "payments") return std::make_unique<RulesOf<payments::Payments>>();
  return std::make_unique<RulesOf<checkout::Checkout>>();
}

void judge_aggregate(const AggregateId& id, const std::vector<const AcceptedCommit*>& commits, std::vector<Claim> claims,
                     const std::function<const Command*(const AcceptedCommit&)>& command_of) {
  const auto rules = rules_of(id.context);
  int64_t version = 0;
  for (std::size_t i = 0;; ++i) {
    std::erase_if(claims, [&](const Claim& claim) { return claim.from <= i && i <= claim.to && right(claim, *rules, version); });
    if (i == commits.size()) break;
    const AcceptedCommit& commit = *commits[i];
    const Command* command = command_of(commit);
    if (!command) throw Violation{"events of command " + commit.command_id() + " are in the log, which nobody sent"};
    judge_commit(commit, *command, *rules, version);
    for (const StoredEvent& event : commit.events) rules->evolve(event);
    version = commit.events.back().meta.version;
  }
  if (claims.empty()) return;
  const Claim& wrong = claims.front();
  throw Violation{wrong.who + " heard of " + wrong.command->meta.id + " (" + wrong.command->type + " to " + id.id + ") " +
                  (wrong.rejection ? "\"" + wrong.rejection->message + "\"" : "that nothing was to be done, at version " +
                                                                                  std::to_string(wrong.done_version)) +
                  ", which was right at no moment between " + std::to_string(wrong.from) + " and " + std::to_string(wrong.to) +
                  " commits of the aggregate"};
}

}  // namespace everfold::simulator
