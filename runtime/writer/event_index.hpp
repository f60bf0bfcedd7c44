// The port to a writer's local index of its logs: what was accepted, by aggregate and by command, and how far it was read. A cache:
// deleted, it is read again from the logs. RocksDB's is in platform/rocksdb/event_index.*, an in-memory one in
// runtime/writer/memory_event_index.hpp; both pass tests/contract/event_index_contract_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/log/log_tail.hpp"
#include "runtime/writer/command_bus.hpp"

namespace everfold {

struct KnownCommand {
  std::string context;
  std::string aggregate_id;
  int64_t first_version = 0;  // of its events
  int64_t last_version = 0;
  std::string digest;
};

struct Snapshot {
  std::string context;
  std::string aggregate_id;
  int64_t version = 0;  // of the aggregate
  int code_version = 0;
  std::string bytes;
};

struct TimerChange {
  LogId log;
  std::string aggregate_id;
  std::optional<int64_t> at_ms;  // nothing: none any more
};

struct IndexBatch {
  std::vector<StoredEvent> events;
  std::vector<std::pair<LogId, LogPosition>> positions;
  std::vector<TimerChange> timers;
  std::vector<Snapshot> snapshots;
  std::vector<std::pair<LogId, std::string>> owners{};  // the URL of the term's writer
  bool empty() const {
    return events.empty() && positions.empty() && timers.empty() && snapshots.empty() && owners.empty();
  }
};

class EventIndex : public History {
 public:
  // All or nothing. After a crash the index stands where it once stood: positions, events and all else of the same moment. One thread
  // writes; any thread reads.
  virtual void write(const IndexBatch& batch) = 0;
  virtual LogPosition position(const LogId& log) const = 0;
  virtual std::string owner(const LogId& log) const = 0;  // as written last; "" when never
  virtual std::optional<KnownCommand> command(const std::string& command_id) const = 0;
  virtual std::optional<Snapshot> snapshot(const std::string& context, const std::string& aggregate_id) const = 0;
  virtual std::vector<std::pair<std::string, int64_t>> timers(const LogId& log) const = 0;  // aggregate id, at_ms
};

}  // namespace everfold
