#include "runtime/translator.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "kernel/check.hpp"

namespace everfold {
namespace {

constexpr int parking_wait_ms = 5;  // for what is on its way back
constexpr int64_t parked_ask_again_ms = 200;  // at least: the record is read again for it
constexpr int64_t never = std::numeric_limits<int64_t>::max();

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

Translator::Translator(GroupSource& source, CommandSender& sender, Parking& parking, Reactions reactions,
                       OnError on_error, Clock clock, const Options& options)
    : source_(source),
      sender_(sender),
      parking_(parking),
      reactions_(std::move(reactions)),
      on_error_(std::move(on_error)),
      clock_(std::move(clock)),
      options_(options) {}

void Translator::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) step();
}

void Translator::step() {
  source_.poll(static_cast<int>(wait_ms()),
               {.assigned = [this](const auto& assigned) { assign(assigned); },
                .revoked =
                    [this](const std::vector<LogId>& revoked) {
                      for (const LogId& log : revoked) forget(log);
                    },
                .record = [this](const LogId& log, const RecordView& record) { read(log, record); }});
  parking_.step(parking_.busy() ? parking_wait_ms : 0);
  send_batch();
  retry_parked();
  commit_positions();
}

void Translator::assign(const std::vector<GroupSource::Assigned>& assigned) {
  for (const auto& [log, offset, note] : assigned) {
    const LogPosition from = position_from_note(log, offset, note);
    forget(log);
    partitions_.emplace(log, Partition{LogTail(log, from), {}, 0, false, from, from});
    parking_.assigned(log);
  }
  counters_.joined = true;
}

// Somebody else goes on from the last position committed.
void Translator::forget(const LogId& log) {
  if (partitions_.erase(log) > 0) parking_.revoked(log);
}

void Translator::read(const LogId& log, const RecordView& record) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end()) return;  // fetched before it was revoked: its next member reads it again
  Partition& partition = found->second;
  TailStep step = partition.tail.feed(record);
  if (!step.commit) return;
  counters_.events_read += step.commit->events.size();
  partition.backlog_events += step.commit->events.size();
  partition.backlog.push_back({std::move(step.commit->events), partition.tail.position()});
  if (partition.backlog_events < options_.backlog_max_events || partition.paused) return;
  partition.paused = true;
  source_.pause(log);
}

// Until something may be tried again; not at all when there is work.
int64_t Translator::wait_ms() const {
  if (parking_.busy()) return 0;
  const int64_t now = clock_.now_ms();
  int64_t until = now + options_.poll_ms;
  until = std::min(until, parking_.next_due_ms());
  for (const auto& [log, partition] : partitions_)
    if (parking_.ready(log)) until = std::min(until, std::max(partition.retry_at_ms, partition.look_at_ms));
  return std::max<int64_t>(until - now, 0);
}

// ---- events as they come

void Translator::send_batch() {
  const int64_t now = clock_.now_ms();
  Batch batch;
  for (auto& [log, partition] : partitions_)
    if (partition.retry_at_ms <= now && parking_.ready(log)) collect(log, partition, batch);
  if (!send(batch.commands)) {
    const Rejection why =
        reject(Code::unavailable, std::to_string(batch.commands.size()) + " commands were not acknowledged in " +
                                      std::to_string(options_.send_timeout_ms) + " ms");
    for (const auto& [log, partition] : batch.partitions) hold_up(*log, *partition, why);
    return;
  }
  for (Work* work : batch.works) work->done = true;
  for (const auto& [log, partition] : batch.partitions) partition->failures = 0;
}

// What can be handled now: of each aggregate in order, up to the first whose answer comes later.
void Translator::collect(const LogId& log, Partition& partition, Batch& batch) {
  std::set<std::string_view> waiting;
  const std::size_t works_before = batch.works.size();
  partition.look_at_ms = never;
  for (Work& work : partition.backlog) {
    if (batch.commands.size() >= options_.batch_commands) {
      partition.look_at_ms = 0;
      break;
    }
    if (work.done || waiting.contains(work.aggregate_id())) continue;
    if (parking_.full(log)) {
      hold_up(log, partition, reject(Code::unavailable, "too much of it is parked: see GET /admin/parked"));
      break;
    }
    if (!react(log, work)) {
      waiting.insert(work.aggregate_id());
      partition.look_at_ms = std::min(partition.look_at_ms, work.ask_again_ms);
      continue;
    }
    batch.commands.insert(batch.commands.end(), work.commands.begin(), work.commands.end());
    batch.works.push_back(&work);
  }
  if (batch.works.size() > works_before) batch.partitions.emplace_back(&log, &partition);
}

// False: an answer comes later.
bool Translator::react(const LogId& log, Work& work) {
  if (work.ask_again_ms > clock_.now_ms()) return false;
  for (; work.reacted < work.events.size(); ++work.reacted) {
    if (!react_to(log, work.events[work.reacted], work)) return false;
    work.asked_ms = work.ask_again_ms = 0;
  }
  return true;
}

// Its commands, or it is parked. False: neither yet.
bool Translator::react_to(const LogId& log, const StoredEvent& event, Work& work) {
  const ParkedId at{log, event.offset};
  if (parking_.known(at)) return true;  // read again after a restart
  Parked parked;
  parked.at = at;
  parked.aggregate_id = event.meta.aggregate_id;
  parked.type = event.meta.type;
  parked.id = event.meta.id;
  parked.correlation_id = event.meta.correlation_id;
  if (parking_.closed(log, event.meta.aggregate_id)) {
    parking_.park(std::move(parked), nullptr);
    return true;
  }
  Reacted reacted = commands_of(event);
  if (const Later* later = std::get_if<Later>(&reacted)) {
    const int64_t now = clock_.now_ms();
    if (work.asked_ms == 0) work.asked_ms = now;
    work.ask_again_ms = now + later->ask_again_ms;
    if (now - work.asked_ms < options_.patience_ms) return false;
    reacted = Decided<std::vector<Command>>(reject(
        Code::unavailable, "there is no answer after " + std::to_string(options_.patience_ms) + " ms; it is asked for again"));
  }
  if (const Rejection* why = std::get_if<Rejection>(&reacted)) parking_.park(std::move(parked), why);
  else std::ranges::move(std::get<std::vector<Command>>(reacted), std::back_inserter(work.commands));
  return true;
}

// All reactions of a context, or none: one that was asked already is asked again with the others. A copied event has caused what it causes
// where it was copied from; what left no events there is known by no id, and might do something now (docs/decisions/0017-copies.md).
Translator::Reacted Translator::commands_of(const StoredEvent& event) const {
  std::vector<Command> all;
  if (event.copied) return {std::move(all)};
  const auto listeners = reactions_.find(event.meta.context);
  if (listeners == reactions_.end()) return {std::move(all)};
  for (const Reaction& reaction : listeners->second) {
    Reacted reacted = reaction(event);
    auto* commands = std::get_if<std::vector<Command>>(&reacted);
    if (!commands) return reacted;
    std::ranges::move(*commands, std::back_inserter(all));
  }
  for (Command& command : all) command.meta.time_ms = clock_.wall_ms();
  return {std::move(all)};
}

bool Translator::send(const std::vector<Command>& commands) {
  if (commands.empty()) return true;
  if (!sender_.send(commands, options_.send_timeout_ms)) return false;
  counters_.commands_sent += commands.size();
  return true;
}

// ---- events that were parked

// Each aggregate's in order, up to the first that fails again.
void Translator::retry_parked() {
  std::vector<Command> batch;
  std::vector<ParkedId> retried;
  bool readable = true;  // a record that is not has cost its timeout: the others come in the next step
  for (const Parking::Due& due : parking_.due()) {
    bool going = readable;
    for (const ParkedId& id : due.ids) {
      if (!going) {
        parking_.release(id, 0);
        continue;
      }
      going = retry(id, batch, readable);
      if (going) retried.push_back(id);
    }
  }
  const bool sent = send(batch);
  for (const ParkedId& id : retried) {
    if (sent) parking_.handled(id);
    else parking_.release(id);
  }
}

// False: not now.
bool Translator::retry(const ParkedId& id, std::vector<Command>& batch, bool& readable) {
  const auto partition = partitions_.find(id.log);
  if (partition == partitions_.end() || id.offset >= partition->second.safe.offset) {
    parking_.release(id, parked_ask_again_ms);
    return false;
  }
  const auto record = parking_.fetch(id);
  if (!record) {
    readable = false;
    parking_.release(id);
    return false;
  }
  const std::vector<HeaderView> headers(record->headers.begin(), record->headers.end());
  Reacted reacted = commands_of(event_of({id.offset, record->key, record->value, headers}, id.log.context));
  if (const Later* later = std::get_if<Later>(&reacted)) {
    parking_.release(id, std::max(later->ask_again_ms, parked_ask_again_ms));
    return false;
  }
  if (const Rejection* why = std::get_if<Rejection>(&reacted)) {
    parking_.failed(id, *why);
    return false;
  }
  std::ranges::move(std::get<std::vector<Command>>(reacted), std::back_inserter(batch));
  return true;
}

// ---- positions

void Translator::commit_positions() {
  for (auto& [log, partition] : partitions_) {
    take_done(log, partition);
    if (partition.safe == partition.committed) continue;
    source_.commit(log, partition.safe.offset, position_note(partition.safe));
    partition.committed = partition.safe;
  }
}

// Up to the first commit that is not done, or of which a parked event is not read back. With no work left, what came
// behind the last commit (void records, new terms) need not be read again either.
void Translator::take_done(const LogId& log, Partition& partition) {
  auto& backlog = partition.backlog;
  const auto unconfirmed = parking_.unconfirmed(log);
  while (!backlog.empty() && backlog.front().done && (!unconfirmed || backlog.front().after.offset <= *unconfirmed)) {
    partition.safe = backlog.front().after;
    partition.backlog_events -= backlog.front().events.size();
    backlog.pop_front();
  }
  if (backlog.empty()) partition.safe = partition.tail.position();
  if (!partition.paused || partition.backlog_events > options_.backlog_max_events / 2) return;
  partition.paused = false;
  source_.resume(log);
}

void Translator::hold_up(const LogId& log, Partition& partition, const Rejection& why) {
  const int doublings = std::min(partition.failures++, 30);
  const int64_t delay = std::min(options_.backoff_first_ms << doublings, options_.backoff_max_ms);
  partition.retry_at_ms = clock_.now_ms() + delay;
  partition.look_at_ms = 0;
  ++counters_.retries;
  on_error_(log, why, delay);
}

}  // namespace everfold
