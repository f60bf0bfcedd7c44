// Logs in memory: the ports of event_log.hpp without Kafka, for tests and simulations. What a real log can do to a writer can be
// asked for: records that linger in the producer, that are lost, that arrive after their session was given up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "runtime/log/event_log.hpp"

namespace everfold {

class MemoryLogs {
 public:
  int64_t append(const LogId& log, OutgoingRecord record) {
    const std::lock_guard lock(mutex_);
    auto& records = logs_[log];
    records.push_back(std::move(record));
    grown_.notify_all();
    return static_cast<int64_t>(records.size()) - 1;
  }
  int64_t end(const LogId& log) {
    const std::lock_guard lock(mutex_);
    return static_cast<int64_t>(logs_[log].size());
  }
  std::optional<OutgoingRecord> at(const LogId& log, int64_t offset) {
    const std::lock_guard lock(mutex_);
    const auto& records = logs_[log];
    if (offset >= static_cast<int64_t>(records.size())) return std::nullopt;
    return records[static_cast<std::size_t>(offset)];
  }
  template <class Ready>
  void wait(int timeout_ms, Ready ready) {
    std::unique_lock lock(mutex_);
    grown_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
  }
  void notify() {
    const std::lock_guard lock(mutex_);
    grown_.notify_all();
  }
  int64_t end_locked(const LogId& log) { return static_cast<int64_t>(logs_[log].size()); }

 private:
  std::mutex mutex_;
  std::condition_variable grown_;
  std::map<LogId, std::deque<OutgoingRecord>> logs_;
};

class MemoryLogSource final : public LogSource {
 public:
  explicit MemoryLogSource(std::shared_ptr<MemoryLogs> logs) : logs_(std::move(logs)) {}

  void assign(std::vector<std::pair<LogId, int64_t>> logs) override { assigned_ = std::move(logs); }

  std::size_t poll(int timeout_ms, const Sink& sink) override {
    logs_->wait(timeout_ms, [this] {
      if (woken_) return true;
      for (const auto& [log, offset] : assigned_)
        if (logs_->end_locked(log) > offset) return true;
      return false;
    });
    woken_ = false;
    std::size_t records = 0;
    for (std::size_t i = 0; i < assigned_.size(); ++i) {
      auto& [log, offset] = assigned_[i];
      for (auto record = logs_->at(log, offset); record; record = logs_->at(log, offset)) {
        const std::vector<HeaderView> headers(record->headers.begin(), record->headers.end());
        const RecordView view{offset++, record->key, record->value, headers};
        ++records;
        sink(i, view);
      }
    }
    return records;
  }

  int64_t end_offset(const LogId& log, int) override { return logs_->end(log); }
  std::vector<WantedPosition> end_positions(int) override {
    std::vector<WantedPosition> ends;
    for (const auto& [log, offset] : assigned_) ends.push_back({log, logs_->end(log)});
    return ends;
  }
  void wake() override {
    woken_ = true;
    logs_->notify();
  }


 private:
  std::shared_ptr<MemoryLogs> logs_;
  std::vector<std::pair<LogId, int64_t>> assigned_;
  std::atomic<bool> woken_{false};
};

class MemoryLogAppender final : public LogAppender {
 public:
  explicit MemoryLogAppender(std::shared_ptr<MemoryLogs> logs) : logs_(std::move(logs)) {}

  void append(const LogId& log, OutgoingRecord record) override {
    if (in_doubt_) return;
    if (lose_next_ > 0) {
      --lose_next_;
      return;
    }
    waiting_.emplace_back(log, std::move(record));
    if (!linger_) deliver();
  }
  bool in_doubt() override { return in_doubt_; }
  void new_session() override {
    orphans_.insert(orphans_.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    in_doubt_ = false;
  }
  std::size_t in_flight() const override { return waiting_.size(); }

  // What a network may do.
  void linger(bool on) { linger_ = on; }                  // records stay in the producer until deliver()
  void deliver() { send(waiting_); }
  void deliver_orphans() { send(orphans_); }              // of sessions given up: they may still arrive
  void lose(int records) { lose_next_ = records; }
  void doubt() { in_doubt_ = true; }

 private:
  using Records = std::deque<std::pair<LogId, OutgoingRecord>>;
  void send(Records& records) {
    for (auto& [log, record] : records) logs_->append(log, std::move(record));
    records.clear();
  }

  std::shared_ptr<MemoryLogs> logs_;
  Records waiting_, orphans_;
  bool linger_ = false, in_doubt_ = false;
  int lose_next_ = 0;
};

}  // namespace everfold
