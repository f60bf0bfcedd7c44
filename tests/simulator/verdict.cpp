#include "tests/simulator/verdict.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "kernel/ids.hpp"
#include "saga/checkout/decider.hpp"
#include "tests/simulator/decisions.hpp"

namespace everfold::simulator {
namespace {

constexpr int64_t slack_ms = 50;  // the time that a step takes, and more

// Every command that anybody sent.
class Sent {
 public:
  Sent(const World& world, const AcceptedHistory& history) : history_(history) {
    for (const Wish& wish : world.ledger().wishes) by_id_[wish.command.meta.id].push_back(&wish.command);
    for (const auto& [log, partition] : world.kafka().partitions(Topic::commands))
      for (std::size_t i = 0; i < partition.records.size(); ++i) add(log, partition, i);
  }

  struct InTopic {
    Command command;
    int64_t visible_ms;
  };
  const std::map<std::string, InTopic>& in_topics() const { return in_topics_; }

  // The one that the commit is of: with its digest, or a timer's.
  const Command* of(const AcceptedCommit& commit) {
    if (const auto sent = in_topics_.find(commit.command_id()); sent != in_topics_.end()) return &sent->second.command;
    if (const auto sent = by_id_.find(commit.command_id()); sent != by_id_.end())
      for (const Command* command : sent->second)
        if (command->meta.digest == commit.events.front().digest) return command;
    return rung_by_timer(commit);
  }

 private:
  void add(const LogId& log, const Partition& partition, std::size_t offset) {
    const auto command = command_of(partition.records[offset]->at(static_cast<int64_t>(offset)), log.context);
    if (!command) throw Violation{"a command topic holds a record that is no command"};
    const auto [at, fresh] = in_topics_.try_emplace(command->meta.id, InTopic{*command, partition.visible_ms[offset]});
    if (at->second.command.bytes != command->bytes || at->second.command.meta.aggregate_id != command->meta.aggregate_id)
      throw Violation{"two commands to " + to_string(log) + " have the id " + command->meta.id + " and different bodies"};
  }

  const Command* rung_by_timer(const AcceptedCommit& commit) {
    const EventMeta& meta = commit.events.front().meta;
    if (meta.context != checkout::Checkout::context) return nullptr;
    for (const AcceptedCommit* before : history_.by_aggregate.at({meta.context, meta.aggregate_id}))
      for (const StoredEvent& event : before->events) {
        const auto read = decode<checkout::Event>(event.meta.type, event.bytes);
        const Timer timer = checkout::Checkout::timer_of(read.value());
        if (timer.kind != Timer::Kind::set || timer.at_ms > meta.time_ms) continue;
        if (derive_id({"expire", meta.context, meta.aggregate_id, std::to_string(timer.at_ms)}) != commit.command_id()) continue;
        Encoded expire = encode(checkout::Checkout::expire());
        expiries_.push_back({{}, std::move(expire.type), std::move(expire.bytes)});
        return &expiries_.back();
      }
    return nullptr;
  }

  const AcceptedHistory& history_;
  std::map<std::string, std::vector<const Command*>> by_id_;
  std::map<std::string, InTopic> in_topics_;
  std::deque<Command> expiries_;
};

bool same(const StoredEvent& a, const StoredEvent& b) {
  return a.meta.id == b.meta.id && a.meta.type == b.meta.type && a.meta.context == b.meta.context &&
         a.meta.aggregate_id == b.meta.aggregate_id && a.meta.version == b.meta.version && a.meta.time_ms == b.meta.time_ms &&
         a.meta.correlation_id == b.meta.correlation_id && a.meta.causation_id == b.meta.causation_id &&
         a.meta.traceparent == b.meta.traceparent && a.meta.actor == b.meta.actor && a.bytes == b.bytes &&
         a.digest == b.digest && a.offset == b.offset;
}

bool same(const std::vector<StoredEvent>& a, const std::vector<StoredEvent>& b) {
  return std::ranges::equal(a, b, [](const StoredEvent& x, const StoredEvent& y) { return same(x, y); });
}

class Decisions {
 public:
  Decisions(const World& world, const AcceptedHistory& history) : world_(world), history_(history), sent_(world, history) {}

  void judge() {
    for (const Attempt& attempt : world_.ledger().attempts)
      if (attempt.outcome) judge(attempt);
    for (const Wish& wish : world_.ledger().wishes) judge(wish);
    for (const TopicRefusal& refusal : world_.ledger().refusals) judge(refusal);
    for (const auto& [id, in_topic] : sent_.in_topics()) judge(in_topic);
    for (const auto& [id, commits] : history_.by_aggregate) claims_.try_emplace(id);
    for (auto& [id, claims] : claims_) {
      const auto commits = history_.by_aggregate.find(id);
      judge_aggregate(id, commits == history_.by_aggregate.end() ? std::vector<const AcceptedCommit*>{} : commits->second,
                      std::move(claims), [this](const AcceptedCommit& commit) { return sent_.of(commit); });
    }
  }

 private:
  void judge(const Attempt& attempt) {
    const Command& command = world_.ledger().wishes[attempt.wish].command;
    const Outcome& outcome = *attempt.outcome;
    if (is_unavailable(outcome)) return;
    Claim claim{&command, nullptr, 0, 0, 0, "a client of " + attempt.process->name};
    if (!outcome) {
      if (outcome.error().code == Code::idempotency_key_reused) return judge_reused_key(attempt, command);
      claim.rejection = &outcome.error();
    } else if (!outcome.value().events.empty()) {
      return judge_done(attempt, command, outcome.value());
    } else {
      claim.done_version = outcome.value().version;
    }
    add(std::move(claim), attempt.taken_ms, attempt.answered_step);
  }

  void judge_done(const Attempt& attempt, const Command& command, const CommandDone& done) {
    const std::string what = attempt.process->name + " acknowledged " + command.meta.id + " in step " + std::to_string(attempt.answered_step);
    const auto found = history_.by_command.find(command.meta.id);
    if (found == history_.by_command.end()) throw Violation{what + ", and its events are not in the log"};
    const AcceptedCommit& commit = *found->second;
    if (commit.events.front().digest != command.meta.digest) throw Violation{what + ", which was another request with its key"};
    if (!same(commit.events, done.events) || done.version != commit.events.back().meta.version)
      throw Violation{what + " with other events than the log has"};
    if (commit.visible_step > attempt.answered_step) throw Violation{what + ", before Kafka had replicated its events"};
    if (done.log != commit.log || done.position != commit.end_offset) throw Violation{what + " with a wrong position"};
  }

  void judge_reused_key(const Attempt& attempt, const Command& command) {
    const auto found = history_.by_command.find(command.meta.id);
    if (found != history_.by_command.end() && found->second->events.front().digest != command.meta.digest &&
        found->second->visible_step <= attempt.answered_step)
      return;
    throw Violation{attempt.process->name + " says of " + command.meta.id + " that its key was used before, and it was not"};
  }

  // Events must have come from somebody who may have caused them.
  void judge(const Wish& wish) {
    const std::string& id = wish.command.meta.id;
    const auto found = history_.by_command.find(id);
    if (found == history_.by_command.end() || sent_.in_topics().contains(id)) return;
    if (found->second->events.front().digest != wish.command.meta.digest) return;
    const bool by_any = std::ranges::any_of(wish.attempts, [&](std::size_t number) {
      const auto& outcome = world_.ledger().attempts[number].outcome;
      return !outcome || *outcome || (is_unavailable(*outcome) && !says_nothing_done(*outcome));
    });
    if (!by_any) throw Violation{"command " + id + " was never done, as its callers heard, and its events are in the log"};
  }

  void judge(const TopicRefusal& refusal) {
    const auto sent = sent_.in_topics().find(refusal.command.meta.id);
    if (sent == sent_.in_topics().end()) throw Violation{"a command was refused that nobody sent"};
    if (refusal.rejection.code == Code::unavailable) return;
    add({&sent->second.command, &refusal.rejection, 0, 0, 0, "the sender"}, sent->second.visible_ms, refusal.step);
    refused_.insert(refusal.command.meta.id);
  }

  // Neither done nor refused: then nothing was to be done.
  void judge(const Sent::InTopic& sent) {
    const std::string& id = sent.command.meta.id;
    if (history_.by_command.contains(id) || refused_.contains(id)) return;
    add({&sent.command, nullptr, -1, 0, 0, "the sender"}, sent.visible_ms, world_.steps());
  }

  // When it may have been decided: not on less than everybody had seen when the node, at the latest, was surely the owner; not on
  // more than there was when it was told; and not after the same command had been done.
  void add(Claim claim, int64_t asked_ms, int64_t told_step) {
    const AggregateId id{claim.command->meta.context, claim.command->meta.aggregate_id};
    if (const auto commits = history_.by_aggregate.find(id); commits != history_.by_aggregate.end()) {
      const int64_t surely_read_ms = asked_ms - world_.plan().max_doubt_ms - slack_ms;
      for (const AcceptedCommit* commit : commits->second) {
        if (commit->command_id() == claim.command->meta.id) break;
        if (commit->visible_ms < surely_read_ms) ++claim.from;
        if (commit->visible_step <= told_step) ++claim.to;
      }
    }
    claims_[id].push_back(std::move(claim));
  }

  const World& world_;
  const AcceptedHistory& history_;
  Sent sent_;
  std::map<AggregateId, std::vector<Claim>> claims_;
  std::set<std::string> refused_;
};

}  // namespace

void judge(const World& world) {
  const AcceptedHistory history(world.kafka());
  Decisions(world, history).judge();
  judge_topics(world, history);
  judge_disks(world, history);
  judge_shop(world, history);
}

// Every event's commands reached their topics.
void judge_topics(const World& world, const AcceptedHistory& history) {
  if (!world.plan().saga) return;
  std::set<std::string> sent;
  for (const auto& [log, partition] : world.kafka().partitions(Topic::commands))
    for (const RecordPtr& record : partition.records) sent.insert(std::string(record->at(0).header("ce_id")));
  for (const auto& commit : history.commits)
    for (const Translator::Reaction& reaction : world.arrows().translators.at(commit->log.context))
      for (const StoredEvent& event : commit->events) {
        const Translator::Reacted reacted = reaction(event);
        const auto* commands = std::get_if<std::vector<Command>>(&reacted);
        if (!commands) throw Violation{"no translator can read event " + event.meta.id};
        for (const Command& command : *commands)
          if (!sent.contains(command.meta.id))
            throw Violation{"event " + event.meta.id + " (" + event.meta.type + ") should have caused " + command.type + " to " +
                            command.meta.aggregate_id + ", which was never sent"};
      }
}

}  // namespace everfold::simulator
