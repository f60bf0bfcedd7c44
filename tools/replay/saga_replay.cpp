#include "tools/replay/saga_replay.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernel/ids.hpp"

namespace everfold::replay {
namespace {

uint64_t digest(std::initializer_list<std::string_view> parts) {
  uint64_t digest = 0xcbf29ce484222325;  // FNV-1a
  for (const std::string_view part : parts) {
    for (const char byte : part) digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    digest = (digest ^ part.size()) * 0x100000001b3;
  }
  return digest;
}

uint64_t content_of(const Command& command) { return digest({command.type, command.meta.aggregate_id, command.bytes}); }

bool same(const std::vector<StoredEvent>& appended, const std::vector<Encoded>& today) {
  return std::ranges::equal(appended, today, [](const StoredEvent& event, const Encoded& encoded) {
    return event.meta.type == encoded.type && event.bytes == encoded.bytes;
  });
}

}  // namespace

void Tally::count(Difference difference) {
  switch (difference) {
    case Difference::missing:
      ++missing;
      return;
    case Difference::extra:
      ++extra;
      return;
    case Difference::different:
      ++different;
      return;
  }
}

// ---- translators

TranslatorReplay::TranslatorReplay(std::vector<NamedTranslator> translators, std::string process, Sink sink)
    : translators_(std::move(translators)), process_(std::move(process)), sink_(std::move(sink)) {}

void TranslatorReplay::sent(const Place& place, const Command& command) {
  const Sent sent{content_of(command), digest({command.meta.causation_id}), place};
  const auto [first, last] = sent_.equal_range(command.meta.id);
  if (std::none_of(first, last, [&](const auto& entry) { return entry.second.content == sent.content; }))
    sent_.emplace(command.meta.id, sent);
}

void TranslatorReplay::event(const StoredEvent& event, bool handled) {
  if (event.meta.context == process_) own_events_.insert(digest({event.meta.id}));
  if (event.copied) {
    ++tally_.not_checked;
    return;
  }
  for (const NamedTranslator& translator : translators_) {
    if (translator.source != event.meta.context) continue;
    const auto commands = translator.react(event);
    if (!commands) throw std::runtime_error(std::string(translator.name) + ": " + commands.error().message);
    for (const Command& command : commands.value())
      if (event.meta.context == process_ || command.meta.context == process_)
        compare(command, translator.name, handled);
  }
}

void TranslatorReplay::compare(const Command& today, std::string_view translator, bool handled) {
  const auto [first, last] = sent_.equal_range(today.meta.id);
  if (first == last && (gaps_ || !handled)) {
    ++(handled ? tally_.not_checked : tally_.not_yet);
    return;
  }
  const auto tell = [&](Difference difference, std::optional<Place> place) {
    tally_.count(difference);
    sink_({difference, today, std::move(place), translator});
  };
  if (first == last) return tell(Difference::missing, std::nullopt);
  for (auto entry = first; entry != last; ++entry) {
    Sent& sent = entry->second;
    sent.seen = true;
    if (sent.content == content_of(today))
      ++tally_.same;
    else
      tell(Difference::different, sent.place);
  }
}

void TranslatorReplay::finish() {
  for (const auto& [id, sent] : sent_) {
    if (sent.seen || (sent.place.log.context != process_ && !own_events_.contains(sent.cause))) continue;
    tally_.count(Difference::extra);
    sink_({Difference::extra, std::nullopt, sent.place, {}});
  }
}

// ---- the decider

DeciderReplay::DeciderReplay(const HostedContext& process, int64_t decided_until, Sink sink)
    : process_(process), decided_until_(decided_until), sink_(std::move(sink)) {}

void DeciderReplay::commit(Commit commit) {
  aggregates_[commit.events.front().meta.aggregate_id].commits.push_back(std::move(commit.events));
}

void DeciderReplay::command(int64_t offset, const Command& command) {
  if (known_.insert(command.meta.id).second)
    aggregates_[command.meta.aggregate_id].commands.push_back({offset, command});
}

void DeciderReplay::finish() {
  for (const auto& [id, aggregate] : aggregates_) check(id, aggregate);
}

// Commands of a topic are decided in their order, so one that left no events was decided between the commits of its
// neighbours.
void DeciderReplay::check(const std::string& id, const Aggregate& aggregate) {
  std::map<std::string_view, std::size_t> commit_of;  // by command id
  for (std::size_t i = 0; i < aggregate.commits.size(); ++i)
    commit_of.emplace(aggregate.commits[i].front().meta.causation_id, i);
  std::vector<const Command*> causes(aggregate.commits.size(), nullptr);
  std::size_t first = 0;  // commits that surely came before
  for (auto arrived = aggregate.commands.begin(); arrived != aggregate.commands.end(); ++arrived) {
    if (const auto commit = commit_of.find(arrived->command.meta.id); commit != commit_of.end()) {
      causes[commit->second] = &arrived->command;
      first = std::max(first, commit->second + 1);
      continue;
    }
    std::size_t last = aggregate.commits.size();  // commits that can have come before
    for (auto later = arrived + 1; later != aggregate.commands.end(); ++later)
      if (const auto commit = commit_of.find(later->command.meta.id); commit != commit_of.end())
        last = std::min(last, commit->second);
    check_silent(id, aggregate, *arrived, first, std::max(first, last));
  }
  for (std::size_t i = 0; i < causes.size(); ++i) check_commit(id, aggregate, i, causes[i]);
}

void DeciderReplay::check_commit(const std::string& id, const Aggregate& aggregate, std::size_t place,
                                 const Command* command) {
  const auto timer = command ? std::nullopt : timer_command(id, aggregate, place);
  if (timer) command = &*timer;
  if (!command) {
    ++tally_.not_checked;
    return;
  }
  Decision today = decide(aggregate, place, *command);
  const auto& appended = aggregate.commits[place];
  if (same(appended, today.events)) {
    ++tally_.same;
    return;
  }
  const Difference difference = today.events.empty() ? Difference::extra : Difference::different;
  tally_.count(difference);
  sink_({difference, id, *command, &appended, std::move(today.events), std::move(today.refusal)});
}

void DeciderReplay::check_silent(const std::string& id, const Aggregate& aggregate, const Arrived& arrived,
                                 std::size_t first, std::size_t last) {
  if (arrived.offset >= decided_until_) {
    ++tally_.not_yet;
    return;
  }
  Decision today;
  for (std::size_t before = first; before <= last; ++before) {
    today = decide(aggregate, before, arrived.command);
    if (!today.events.empty()) continue;
    ++tally_.same;
    return;
  }
  tally_.count(Difference::missing);
  sink_({Difference::missing, id, arrived.command, nullptr, std::move(today.events), std::move(today.refusal)});
}

// The host's own, when the aggregate's timer rings (runtime/writer/writer.cpp): it lies in no topic, but its id tells.
std::optional<Command> DeciderReplay::timer_command(const std::string& id, const Aggregate& aggregate,
                                                    std::size_t place) const {
  bool set = false;
  int64_t at_ms = 0;
  for (std::size_t i = 0; i < place; ++i)
    for (const StoredEvent& event : aggregate.commits[i]) {
      const Timer timer = process_.timer_of(event.meta.type, event.bytes);
      if (timer.kind == Timer::Kind::keep) continue;
      set = timer.kind == Timer::Kind::set;
      at_ms = timer.at_ms;
    }
  auto expire = process_.expire();
  if (!set || !expire) return std::nullopt;
  Command command{{}, std::move(expire->type), std::move(expire->bytes)};
  command.meta.id = derive_id({"expire", process_.name(), id, std::to_string(at_ms)});
  command.meta.context = process_.name();
  command.meta.aggregate_id = id;
  if (command.meta.id != aggregate.commits[place].front().meta.causation_id) return std::nullopt;
  return command;
}

DeciderReplay::Decision DeciderReplay::decide(const Aggregate& aggregate, std::size_t commits_before,
                                              const Command& command) const {
  constexpr std::size_t any_size = SIZE_MAX;
  const auto state = process_.fresh();
  for (std::size_t i = 0; i < commits_before; ++i)
    for (const StoredEvent& event : aggregate.commits[i])
      if (!process_.evolve(*state, event.meta.type, event.bytes))
        throw std::runtime_error("event " + event.meta.id + " of type " + event.meta.type +
                                 " cannot be read by this version of Everfold");
  auto decided = process_.decide(*state, command.type, command.bytes, any_size);
  if (!decided) return {{}, decided.error().message};
  return {std::move(decided).value(), {}};
}

}  // namespace everfold::replay
