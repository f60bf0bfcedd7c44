// An EventIndex in memory, for tests and simulations.
#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include "runtime/writer/event_index.hpp"

namespace everfold {

class MemoryEventIndex final : public EventIndex {
 public:
  void write(const IndexBatch& batch) override {
    const std::lock_guard lock(mutex_);
    for (const StoredEvent& event : batch.events) {
      const EventMeta& meta = event.meta;
      events_[{meta.context, meta.aggregate_id, meta.version}] = event;
      auto [at, fresh] = commands_.try_emplace(
          meta.causation_id, KnownCommand{meta.context, meta.aggregate_id, meta.version, meta.version, event.digest});
      if (!fresh) at->second.last_version = meta.version;
    }
    for (const Snapshot& snapshot : batch.snapshots) snapshots_[{snapshot.context, snapshot.aggregate_id}] = snapshot;
    for (const TimerChange& timer : batch.timers) {
      if (timer.at_ms) timers_[timer.log][timer.aggregate_id] = *timer.at_ms;
      else timers_[timer.log].erase(timer.aggregate_id);
    }
    for (const auto& [log, position] : batch.positions) positions_[log] = position;
    for (const auto& [log, url] : batch.owners) owners_[log] = url;
  }

  LogPosition position(const LogId& log) const override {
    const std::lock_guard lock(mutex_);
    const auto at = positions_.find(log);
    return at == positions_.end() ? LogPosition{} : at->second;
  }

  std::string owner(const LogId& log) const override {
    const std::lock_guard lock(mutex_);
    const auto at = owners_.find(log);
    return at == owners_.end() ? "" : at->second;
  }

  std::optional<KnownCommand> command(const std::string& command_id) const override {
    const std::lock_guard lock(mutex_);
    const auto at = commands_.find(command_id);
    return at == commands_.end() ? std::nullopt : std::optional(at->second);
  }

  std::optional<Snapshot> snapshot(const std::string& context, const std::string& id) const override {
    const std::lock_guard lock(mutex_);
    const auto at = snapshots_.find({context, id});
    return at == snapshots_.end() ? std::nullopt : std::optional(at->second);
  }

  std::vector<std::pair<std::string, int64_t>> timers(const LogId& log) const override {
    const std::lock_guard lock(mutex_);
    const auto at = timers_.find(log);
    if (at == timers_.end()) return {};
    return {at->second.begin(), at->second.end()};
  }

  std::vector<StoredEvent> events(const std::string& context, const std::string& id, int64_t from_version,
                                  std::size_t limit) const override {
    const std::lock_guard lock(mutex_);
    std::vector<StoredEvent> found;
    for (auto at = events_.lower_bound({context, id, from_version});
         at != events_.end() && found.size() < limit && std::get<0>(at->first) == context && std::get<1>(at->first) == id; ++at)
      found.push_back(at->second);
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, int64_t>, StoredEvent> events_;
  std::map<std::string, KnownCommand> commands_;
  std::map<std::pair<std::string, std::string>, Snapshot> snapshots_;
  std::map<LogId, std::map<std::string, int64_t>> timers_;
  std::map<LogId, LogPosition> positions_;
  std::map<LogId, std::string> owners_;
};

}  // namespace everfold
