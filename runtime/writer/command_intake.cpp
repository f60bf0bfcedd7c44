#include "runtime/writer/command_intake.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace everfold {
namespace {

constexpr std::size_t most_open = 4'000;     // commands in the writer's hands, shared evenly among the logs
constexpr std::size_t most_waiting = 1'000;  // of one log, before it is paused
constexpr int parking_wait_ms = 5;           // for what is on its way back
constexpr int64_t parked_wait_ms = 200;      // of what is parked, for what came before it
constexpr auto progress_wait = std::chrono::milliseconds(20);

std::vector<LogId> logs_of(const std::vector<GroupSource::Assigned>& assigned) {
  std::vector<LogId> logs;
  for (const auto& [log, offset, note] : assigned) logs.push_back(log);
  return logs;
}

}  // namespace

CommandIntake::CommandIntake(GroupSource& source, Writer& writer, Parking& parking, Refused refused)
    : source_(source),
      writer_(writer),
      parking_(parking),
      refused_(std::move(refused)),
      listener_{[this](const std::vector<GroupSource::Assigned>& assigned) { assign(assigned); },
                [this](const std::vector<LogId>& revoked) { revoke(revoked); },
                [this](const LogId& log, const RecordView& record) { take(log, record); }} {}

void CommandIntake::step(int timeout_ms) {
  take_answered();
  parking_.step(parking_.busy() ? parking_wait_ms : 0);
  take_waiting();
  retry_parked();
  commit_positions();
  if (open_count_ >= most_open) {
    {
      std::unique_lock lock(mutex_);
      progress_.wait_for(lock, std::chrono::milliseconds(parking_.busy() ? 0 : timeout_ms), [this] { return stopped_ || !answered_.empty(); });
    }
    return source_.keep_membership(listener_);
  }
  source_.poll(parking_.busy() ? 0 : timeout_ms, listener_);
}

void CommandIntake::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  progress_.notify_all();
  source_.wake();
}

void CommandIntake::assign(const std::vector<GroupSource::Assigned>& assigned) {
  ++generation_;
  for (const auto& [log, offset, note] : assigned) {
    open_[log] = {generation_, offset, {}, {}, false};
    parking_.assigned(log);
  }
  writer_.own(logs_of(assigned));
}

void CommandIntake::revoke(const std::vector<LogId>& revoked) {
  take_answered();
  commit_positions();
  for (const LogId& log : revoked) {
    open_count_ -= open_[log].offsets.size() - open_[log].waiting.size();
    open_.erase(log);
    parking_.revoked(log);
  }
  writer_.await_assignment();
}

// ---- what arrives

// No log, such as one whose writer cannot take it over, has more than its share: the others go on.
bool CommandIntake::may_handle(const LogId& log, const Open& open) const {
  return parking_.ready(log) && !parking_.full(log) && open.offsets.size() - open.waiting.size() <= most_open / open_.size();
}

void CommandIntake::take(const LogId& log, const RecordView& record) {
  Open& open = open_[log];
  open.offsets.emplace(record.offset, false);
  Arrived arrived{record.offset, std::string(record.key), command_of(record, log.context)};
  if (open.waiting.empty() && may_handle(log, open)) return handle(log, open, std::move(arrived));
  open.waiting.push_back(std::move(arrived));
  if (open.paused || open.waiting.size() < most_waiting) return;
  open.paused = true;
  source_.pause(log);
}

void CommandIntake::take_waiting() {
  for (auto& [log, open] : open_) {
    while (!open.waiting.empty() && may_handle(log, open)) {
      Arrived arrived = std::move(open.waiting.front());
      open.waiting.pop_front();
      handle(log, open, std::move(arrived));
    }
    if (!open.paused || !open.waiting.empty()) continue;
    open.paused = false;
    source_.resume(log);
  }
}

std::optional<Rejection> CommandIntake::why_not(const LogId& log, const std::optional<Command>& command) const {
  if (!command) return reject(Code::malformed, "a record of the command topic has no ce_id, ce_type or key");
  if (const int shard = writer_.partition_of(command->meta.aggregate_id); shard != log.shard)
    return reject(Code::malformed, "command " + command->meta.id + " lies in partition " + std::to_string(log.shard) +
                                       " and belongs into partition " + std::to_string(shard) +
                                       ", by Kafka's murmur2 of its key: send it there, and skip this one");
  if (!writer_.can_read(*command))
    return reject(Code::internal, "command " + command->meta.id + " of type " + command->type +
                                      " cannot be read; was it sent by a later version of Everfold?");
  return std::nullopt;
}

void CommandIntake::handle(const LogId& log, Open& open, Arrived arrived) {
  ++open_count_;
  const ParkedId at{log, arrived.offset};
  const bool known = parking_.known(at);  // read again after a restart
  if (!known && parking_.closed(log, arrived.aggregate_id)) park(log, arrived, nullptr);
  else if (const auto why = known ? std::nullopt : why_not(log, arrived.command))
    park(log, arrived, &*why);
  else if (!known) {
    offer(*arrived.command, {at, open.generation, false, std::nullopt, std::nullopt});
    return;
  }
  open.offsets[arrived.offset] = true;
}

void CommandIntake::park(const LogId& log, const Arrived& arrived, const Rejection* why) {
  Parked parked;
  parked.at = {log, arrived.offset};
  parked.aggregate_id = arrived.aggregate_id;
  if (arrived.command) {
    parked.type = arrived.command->type;
    parked.id = arrived.command->meta.id;
    parked.correlation_id = arrived.command->meta.correlation_id;
  }
  parking_.park(std::move(parked), why);
}

// What a decider refuses is decided; what could not be decided on is parked.
void CommandIntake::offer(const Command& command, Answered answer) {
  const Reply reply = [this, answer, sent = command](const Outcome& outcome) {
    Answered said = answer;
    if (!outcome && outcome.error().code == Code::unavailable) {
      said.command = sent;
      said.failed = outcome.error();
    } else if (!outcome) {
      refused_(sent, outcome.error());
    }
    answered(std::move(said));
  };
  while (!writer_.offer(command, reply)) {
    std::unique_lock lock(mutex_);
    if (stopped_) return;
    progress_.wait_for(lock, progress_wait);
  }
}

// ---- what was parked

// Each aggregate's in order, up to the first that still cannot be read. The writer decides them in this order, or none
// of them when it cannot read the aggregate.
void CommandIntake::retry_parked() {
  bool readable = true;  // a record that is not has cost its timeout: the others come in the next step
  for (const Parking::Due& due : parking_.due()) {
    const auto open = open_.find(due.ids.front().log);
    bool going = readable && open != open_.end();
    for (const ParkedId& id : due.ids)
      if (going)
        going = retry(id, open->second, readable);
      else
        parking_.release(id, 0);
  }
}

// False: not now.
bool CommandIntake::retry(const ParkedId& id, const Open& open, bool& readable) {
  if (id.offset >= open.position) {
    parking_.release(id, parked_wait_ms);
    return false;
  }
  const auto record = parking_.fetch(id);
  if (!record) {
    readable = false;
    parking_.release(id);
    return false;
  }
  const std::vector<HeaderView> headers(record->headers.begin(), record->headers.end());
  const auto command = command_of({id.offset, record->key, record->value, headers}, id.log.context);
  if (const auto why = why_not(id.log, command)) {
    parking_.failed(id, *why);
    return false;
  }
  offer(*command, {id, open.generation, true, std::nullopt, std::nullopt});
  return true;
}

// ---- what was answered

void CommandIntake::answered(Answered answer) {
  {
    const std::lock_guard lock(mutex_);
    answered_.push_back(std::move(answer));
  }
  progress_.notify_one();
}

void CommandIntake::take_answered() {
  std::vector<Answered> answered;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(answered_);
  }
  for (const Answered& answer : answered) {
    const LogId& log = answer.at.log;
    const auto open = open_.find(log);
    if (open == open_.end() || open->second.generation != answer.generation) continue;  // of an assignment that is over
    if (answer.retried) {
      answer.failed ? parking_.failed(answer.at, *answer.failed) : parking_.handled(answer.at);
      continue;
    }
    if (answer.failed)
      park(log, {answer.at.offset, answer.command->meta.aggregate_id, answer.command}, &*answer.failed);
    open->second.offsets[answer.at.offset] = true;
  }
}

// Up to the first that is not answered, or not yet read back as parked.
void CommandIntake::commit_positions() {
  for (auto& [log, open] : open_) {
    const auto unconfirmed = parking_.unconfirmed(log);
    auto& offsets = open.offsets;
    int64_t reached = -1;
    while (!offsets.empty() && offsets.begin()->second && (!unconfirmed || offsets.begin()->first < *unconfirmed)) {
      reached = offsets.begin()->first + 1;
      offsets.erase(offsets.begin());
      --open_count_;
    }
    if (reached < 0) continue;
    open.position = reached;
    source_.commit(log, reached, "");
  }
}

}  // namespace everfold
