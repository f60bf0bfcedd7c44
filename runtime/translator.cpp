#include "runtime/translator.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "kernel/check.hpp"

namespace everfold {
namespace {

bool whole_number(std::string_view text, int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out >= 0;
}

}  // namespace

std::string position_note(const LogPosition& position) {
  return std::to_string(position.term) + "." + std::to_string(position.next_commit);
}

LogPosition position_from_note(const LogId& log, int64_t offset, std::string_view note) {
  if (offset == 0 && note.empty()) return {};
  LogPosition position;
  position.offset = offset;
  const std::size_t dot = note.find('.');
  const bool readable = dot != note.npos && whole_number(note.substr(0, dot), position.term) &&
                        whole_number(note.substr(dot + 1), position.next_commit);
  check(readable, "the group's position of " + to_string(log) + " at offset " + std::to_string(offset) +
                      " has no term beside it (\"" + std::string(note) + "\"); was it moved by hand?");
  return position;
}

Translator::Translator(GroupSource& source, CommandSender& sender, Reactions reactions, OnError on_error, Clock clock,
                       const Options& options)
    : source_(source),
      sender_(sender),
      reactions_(std::move(reactions)),
      on_error_(std::move(on_error)),
      clock_(std::move(clock)),
      options_(options) {}

void Translator::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) step();
}

void Translator::step() {
  const GroupSource::Listener listener{.assigned = [this](const auto& assigned) { assign(assigned); },
                                       .revoked =
                                           [this](const std::vector<LogId>& revoked) {
                                             for (const LogId& log : revoked) forget(log);
                                           },
                                       .record = [this](const LogId& log, const RecordView& record) { read(log, record); }};
  if (may_read()) {
    source_.poll(static_cast<int>(wait_ms()), listener);
  } else {
    if (const int64_t wait = wait_ms(); wait > 0) clock_.sleep_ms(wait);
    source_.keep_membership(listener);
  }
  send_batch();
  commit_positions();
}

void Translator::assign(const std::vector<GroupSource::Assigned>& assigned) {
  for (const auto& [log, offset, note] : assigned) {
    const LogPosition from = position_from_note(log, offset, note);
    forget(log);
    partitions_.emplace(log, Partition{LogTail(log, from), {}, from, from});
  }
  counters_.joined = true;
}

// Somebody else goes on from the last position committed.
void Translator::forget(const LogId& log) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;
  for (const Work& work : found->second.backlog) backlog_events_ -= work.events.size();
  partitions_.erase(found);
}

void Translator::read(const LogId& log, const RecordView& record) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;  // fetched before it was revoked: its next member reads it again
  Partition& partition = found->second;
  TailStep step = partition.tail.feed(record);
  if (!step.commit) return;
  counters_.events_read += step.commit->events.size();
  backlog_events_ += step.commit->events.size();
  partition.backlog.push_back({std::move(step.commit->events), partition.tail.position(), 0, {}});
}

// Until the first held-up partition may be tried again; not at all when there is work.
int64_t Translator::wait_ms() const {
  const int64_t now = clock_.now_ms();
  int64_t wait = options_.poll_ms;
  for (const auto& [log, partition] : partitions_)
    if (!partition.backlog.empty()) wait = std::min(wait, partition.retry_at_ms - now);
  return std::max<int64_t>(wait, 0);
}

void Translator::send_batch() {
  const int64_t now = clock_.now_ms();
  std::vector<Command> batch;
  std::vector<Share> shares;
  for (auto& [log, partition] : partitions_) {
    if (partition.retry_at_ms > now) continue;
    Share share{&log, &partition, 0};
    for (Work& work : partition.backlog) {
      if (batch.size() >= options_.batch_commands || !react(log, partition, work)) break;
      batch.insert(batch.end(), work.commands.begin(), work.commands.end());
      ++share.commits;
    }
    if (share.commits > 0) shares.push_back(share);
  }
  send(batch, shares);
}

bool Translator::react(const LogId& log, Partition& partition, Work& work) {
  for (; work.reacted < work.events.size(); ++work.reacted) {
    Reacted reacted = commands_of(work.events[work.reacted]);
    if (const Later* later = std::get_if<Later>(&reacted)) {
      partition.retry_at_ms = clock_.now_ms() + later->ask_again_ms;
      return false;
    }
    if (const Rejection* why = std::get_if<Rejection>(&reacted)) {
      hold_up(log, partition, *why);
      return false;
    }
    auto& commands = std::get<std::vector<Command>>(reacted);
    for (Command& command : commands) command.meta.time_ms = clock_.wall_ms();
    std::ranges::move(commands, std::back_inserter(work.commands));
  }
  return true;
}

// All reactions of a context, or none: one that was asked already is asked again with the others.
Translator::Reacted Translator::commands_of(const StoredEvent& event) const {
  std::vector<Command> all;
  const auto listeners = reactions_.find(event.meta.context);
  if (listeners == reactions_.end()) return {std::move(all)};
  for (const Reaction& reaction : listeners->second) {
    Reacted reacted = reaction(event);
    auto* commands = std::get_if<std::vector<Command>>(&reacted);
    if (!commands) return reacted;
    std::ranges::move(*commands, std::back_inserter(all));
  }
  return {std::move(all)};
}

void Translator::send(const std::vector<Command>& batch, const std::vector<Share>& shares) {
  if (!batch.empty() && !sender_.send(batch, options_.send_timeout_ms)) {
    const Rejection why =
        reject(Code::unavailable, std::to_string(batch.size()) + " commands were not acknowledged in " +
                                      std::to_string(options_.send_timeout_ms) + " ms");
    for (const Share& share : shares) hold_up(*share.log, *share.partition, why);
    return;
  }
  counters_.commands_sent += batch.size();
  for (const Share& share : shares) done(share);
}

void Translator::done(const Share& share) {
  auto& backlog = share.partition->backlog;
  for (std::size_t i = 0; i < share.commits; ++i) {
    share.partition->safe = backlog.front().after;
    backlog_events_ -= backlog.front().events.size();
    backlog.pop_front();
  }
  share.partition->failures = 0;
}

// With no work left, what came behind the last commit (void records, new terms) need not be read again either.
void Translator::commit_positions() {
  for (auto& [log, partition] : partitions_) {
    if (partition.backlog.empty()) partition.safe = partition.tail.position();
    if (partition.safe == partition.committed) continue;
    source_.commit(log, partition.safe.offset, position_note(partition.safe));
    partition.committed = partition.safe;
  }
}

void Translator::hold_up(const LogId& log, Partition& partition, const Rejection& why) {
  const int doublings = std::min(partition.failures++, 30);
  const int64_t delay = std::min(options_.backoff_first_ms << doublings, options_.backoff_max_ms);
  partition.retry_at_ms = clock_.now_ms() + delay;
  ++counters_.retries;
  on_error_(log, why, delay);
}

}  // namespace everfold
