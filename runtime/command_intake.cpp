#include "runtime/command_intake.hpp"

#include <chrono>
#include <utility>

namespace everfold {
namespace {

constexpr std::size_t most_open = 4'000;  // commands in the writer's hands
constexpr auto progress_wait = std::chrono::milliseconds(20);

}  // namespace

CommandIntake::CommandIntake(GroupSource& source, Writer& writer, Refused refused)
    : source_(source),
      writer_(writer),
      refused_(std::move(refused)),
      listener_{[this](const std::vector<GroupSource::Assigned>& assigned) {
                  std::vector<LogId> logs;
                  ++generation_;
                  for (const auto& [log, offset, note] : assigned) {
                    open_[log] = {generation_, {}};
                    logs.push_back(log);
                  }
                  writer_.own(std::move(logs));
                },
                [this](const std::vector<LogId>& revoked) {
                  commit_answered();
                  for (const LogId& log : revoked) {
                    open_count_ -= open_[log].offsets.size();
                    open_.erase(log);
                  }
                  writer_.await_assignment();
                },
                [this](const LogId& log, const RecordView& record) { take(log, record); }} {}

void CommandIntake::step(int timeout_ms) {
  commit_answered();
  if (open_count_ >= most_open) {
    {
      std::unique_lock lock(mutex_);
      progress_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return stopped_ || !answered_.empty(); });
    }
    return source_.keep_membership(listener_);
  }
  source_.poll(timeout_ms, listener_);
}

void CommandIntake::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  progress_.notify_all();
  source_.wake();
}

void CommandIntake::take(const LogId& log, const RecordView& record) {
  Open& open = open_[log];
  open.offsets.emplace(record.offset, false);
  ++open_count_;
  const Answered answer{log, open.generation, record.offset};
  auto command = command_of(record, log.context);
  if (!command) {
    Command unreadable;
    unreadable.meta.context = log.context;
    unreadable.meta.aggregate_id = std::string(record.key);
    refused_(unreadable, reject(Code::malformed, "A record of the command topic has no ce_id, ce_type or key."));
    return answered(answer);
  }
  const Reply reply = [this, answer, sent = *command](const Outcome& outcome) {
    if (!outcome) refused_(sent, outcome.error());
    answered(answer);
  };
  while (!writer_.offer(*command, reply)) {
    std::unique_lock lock(mutex_);
    if (stopped_) return;
    progress_.wait_for(lock, progress_wait);
  }
}

void CommandIntake::answered(Answered answer) {
  {
    const std::lock_guard lock(mutex_);
    answered_.push_back(std::move(answer));
  }
  progress_.notify_one();
}

void CommandIntake::commit_answered() {
  std::vector<Answered> answered;
  {
    const std::lock_guard lock(mutex_);
    answered.swap(answered_);
  }
  std::map<LogId, int64_t> reached;
  for (const auto& [log, generation, offset] : answered) {
    const auto open = open_.find(log);
    if (open == open_.end() || open->second.generation != generation) continue;  // of an assignment that is over
    auto& offsets = open->second.offsets;
    offsets[offset] = true;
    while (!offsets.empty() && offsets.begin()->second) {
      reached[log] = offsets.begin()->first + 1;
      offsets.erase(offsets.begin());
      --open_count_;
    }
  }
  for (const auto& [log, offset] : reached) source_.commit(log, offset, "");
}

}  // namespace everfold
