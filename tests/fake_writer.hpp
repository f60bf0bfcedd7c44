// The writer's promise without Kafka: real deciders, a history in memory, every command answered at once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command-side/contexts.hpp"
#include "kernel/check.hpp"
#include "kernel/ids.hpp"
#include "kernel/shard.hpp"
#include "runtime/writer/command_bus.hpp"
#include "runtime/writer/hosted_context.hpp"

namespace everfold::testing {

// As the writer promises, in as few lines as that takes.
class FakeWriter final : public CommandBus, public History {
 public:
  FakeWriter() {
    for (auto& context : command_contexts()) add(std::move(context));
  }

  void submit(Command command, Reply reply) override {
    commands.push_back(command);
    if (unavailable_type == command.type) return reply(reject(Code::unavailable, "Nothing was done; try again."));
    if (silent) return;
    reply(done(command));
  }

  void when_read(WantedPosition wanted, std::function<void(bool reached)> then) override {
    awaited.push_back(std::move(wanted));
    then(!behind);
  }

  std::vector<StoredEvent> events(const std::string& context, const std::string& aggregate_id, int64_t from_version,
                                  std::size_t limit) const override {
    std::vector<StoredEvent> found;
    const auto history = histories_.find({context, aggregate_id});
    if (history == histories_.end()) return found;
    for (const StoredEvent& event : history->second)
      if (event.meta.version >= from_version && found.size() < limit) found.push_back(event);
    return found;
  }

  // What a process would send.
  template <class Message>
  void tell(const std::string& context, const std::string& aggregate_id, const Message& message) {
    auto encoded = encode_message(message);
    Command command{{}, encoded.type, encoded.bytes};
    command.meta.id = "told-" + std::to_string(commands.size() + histories_.size() + ++told_);
    command.meta.context = context;
    command.meta.aggregate_id = aggregate_id;
    check(done(command).has_value(), "what a process says is refused: " + encoded.type);
  }

  // Forgets which commands were done, as a writer does after days.
  void forget_commands() { outcomes_.clear(); }

  std::vector<Command> commands;  // submitted, in order
  std::vector<WantedPosition> awaited;
  bool behind = false;            // this node does not get as far as a caller has seen
  std::string unavailable_type;   // commands of this type are answered with unavailable
  bool silent = false;            // replies are dropped

  // As a later version could.
  void write_unreadable(const std::string& context, const std::string& aggregate_id) {
    auto& history = histories_[{context, aggregate_id}];
    const auto version = static_cast<int64_t>(history.size()) + 1;
    history.push_back({{"newer.1", "everfold." + context + ".Teleported.v1", context, aggregate_id, version, 0, "", "newer", "", ""},
                       "",
                       "",
                       next_offset_++});
  }

 private:
  void add(std::unique_ptr<HostedContext> context) { contexts_.emplace(context->name(), std::move(context)); }

  Outcome done(const Command& command) {
    const CommandMeta& meta = command.meta;
    if (const auto known = outcomes_.find(meta.id); known != outcomes_.end()) {
      if (known->second.first == meta.digest) return known->second.second;
      return reject(Code::idempotency_key_reused, "This Idempotency-Key was used for another request.");
    }
    auto& history = histories_[{meta.context, meta.aggregate_id}];
    const auto version = static_cast<int64_t>(history.size());
    if (meta.expected_version >= 0 && meta.expected_version != version)
      return reject(Code::version_mismatch, "Another version.");
    const HostedContext& context = *contexts_.at(meta.context);
    const auto state = context.fresh();
    for (const StoredEvent& event : history)
      check(context.evolve(*state, event.meta.type, event.bytes), "an event of its own");
    auto decided = context.decide(*state, command.type, command.bytes, 1'000'000);
    if (!decided) return std::move(decided).error();
    CommandDone result{{}, version, {meta.context, shard_of(meta.aggregate_id, 8)}, 0};
    for (const Encoded& encoded : decided.value()) {
      StoredEvent event{{event_id(meta.id, result.events.size() + 1), encoded.type, meta.context, meta.aggregate_id,
                         ++result.version, meta.time_ms, meta.correlation_id, meta.id, meta.traceparent, meta.actor},
                        encoded.bytes,
                        meta.digest,
                        next_offset_++};
      history.push_back(event);
      result.events.push_back(std::move(event));
    }
    result.position = next_offset_;
    if (!result.events.empty()) outcomes_.emplace(meta.id, std::pair(meta.digest, result));
    return result;
  }

  std::map<std::string, std::unique_ptr<HostedContext>, std::less<>> contexts_;
  std::map<std::pair<std::string, std::string>, std::vector<StoredEvent>> histories_;
  std::map<std::string, std::pair<std::string, CommandDone>> outcomes_;
  int64_t next_offset_ = 0;
  std::size_t told_ = 0;
};

}  // namespace everfold::testing
