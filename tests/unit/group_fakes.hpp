// The ports around a consumer group, small and in memory: what a translator and an intake of commands work on.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/log/group_source.hpp"
#include "runtime/log/memory_log.hpp"
#include "runtime/parking/parking.hpp"

namespace everfold {

// A Kafka consumer group of one member, over logs in memory. What the group remembers outlives the member.
struct Group {
  struct Position {
    int64_t offset = 0;
    std::string note;
  };
  std::map<LogId, std::vector<OutgoingRecord>> logs;
  std::map<LogId, Position> positions;
};

class FakeSource : public GroupSource {
 public:
  explicit FakeSource(Group& group) : group_(group) {}

  void assign(const LogId& log) { to_assign_.push_back(log); }
  void revoke(const LogId& log) { to_revoke_.push_back(log); }

  std::size_t poll(int timeout_ms, const Listener& listener) override {
    timeouts.push_back(timeout_ms);
    rebalance(listener);
    std::size_t records = 0;
    for (auto& [log, next] : next_)
      for (const auto& all = group_.logs[log]; next < static_cast<int64_t>(all.size()) && !paused.contains(log); ++records)
        hand_over(listener, log, next++, all);
    return records;
  }
  void keep_membership(const Listener& listener) override { rebalance(listener); }
  void commit(const LogId& log, int64_t offset, const std::string& note) override {
    ++commits;
    ASSERT_GE(offset, group_.positions[log].offset) << "a position went backwards";
    group_.positions[log] = {offset, note};
  }
  void pause(const LogId& log) override { paused.insert(log); }
  void resume(const LogId& log) override { paused.erase(log); }
  void wake() override {}

  std::vector<int> timeouts;
  std::set<LogId> paused;
  int commits = 0;

 private:
  void rebalance(const Listener& listener) {
    for (const LogId& log : to_revoke_) next_.erase(log);
    if (!to_revoke_.empty()) listener.revoked(std::exchange(to_revoke_, {}));
    std::vector<Assigned> assigned;
    for (const LogId& log : std::exchange(to_assign_, {})) {
      const auto& [offset, note] = group_.positions[log];
      assigned.push_back({log, offset, note});
      next_[log] = offset;
      paused.erase(log);
    }
    if (!assigned.empty()) listener.assigned(assigned);
  }
  static void hand_over(const Listener& listener, const LogId& log, int64_t offset,
                        const std::vector<OutgoingRecord>& records) {
    const OutgoingRecord& record = records[static_cast<std::size_t>(offset)];
    const std::vector<HeaderView> headers(record.headers.begin(), record.headers.end());
    listener.record(log, RecordView{offset, record.key, record.value, headers});
  }

  Group& group_;
  std::map<LogId, int64_t> next_;
  std::vector<LogId> to_assign_, to_revoke_;
};

class FakeSender : public CommandSender {
 public:
  bool send(const std::vector<Command>& commands, int) override {
    ++batches;
    std::size_t accepted = commands.size();
    if (failures > 0) --failures, accepted = std::min(accepted, arrive_anyway);
    for (std::size_t i = 0; i < accepted; ++i) sent.push_back(commands[i].meta);
    return accepted == commands.size();
  }

  std::vector<CommandMeta> sent;
  int batches = 0;
  int failures = 0;               // sends to fail
  std::size_t arrive_anyway = 0;  // commands of a failed send that Kafka has nevertheless
};

// Reads a group's records again.
class FakeFetcher : public RecordFetcher {
 public:
  explicit FakeFetcher(Group& group) : group_(group) {}
  std::optional<OutgoingRecord> fetch(const LogId& log, int64_t offset, int) override {
    ++fetched;
    const auto& records = group_.logs[log];
    if (away || offset >= static_cast<int64_t>(records.size())) return std::nullopt;
    return records[static_cast<std::size_t>(offset)];
  }
  int fetched = 0;
  bool away = false;

 private:
  Group& group_;
};

// A consumer's parking with its ports. `topic` outlives it, as Kafka's does.
struct ParkingParts {
  ParkingParts(Group& group, std::shared_ptr<MemoryLogs> topic, const int64_t& now_ms,
               const Parking::Options& options = {}, int partitions = 2)
      : source(topic),
        appender(topic),
        fetcher(group),
        parking(
            "consumer", {"orders", "carts"}, partitions, {source, appender, fetcher},
            {[&now_ms] { return now_ms; }, [&now_ms] { return now_ms + wall_offset_ms; },
             [this] { return std::to_string(reinterpret_cast<std::uintptr_t>(this)) + "-" + std::to_string(++random); },
             [this](std::string_view what, const Parked& parked) {
               told.push_back(std::string(what) + " " + to_string(parked.at));
             }},
            options) {}

  static constexpr int64_t wall_offset_ms = 1'700'000'000'000;
  // The aggregates that are parked, by their first record: "orders.0:1 unavailable 1 +2" has two behind it.
  std::vector<std::string> listed(bool skipped = false) const {
    std::vector<std::string> all;
    for (const Parking::Listed& entry : parking.list(skipped, 100))
      all.push_back(to_string(entry.parked.at) + " " + std::string(to_string(entry.parked.why)) + " " +
                    std::to_string(entry.parked.tries) + " +" + std::to_string(entry.behind));
    return all;
  }

  MemoryLogSource source;
  MemoryLogAppender appender;
  FakeFetcher fetcher;
  int random = 0;
  std::vector<std::string> told;
  Parking parking;
};

}  // namespace everfold
