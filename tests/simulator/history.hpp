// The accepted history, read from the raw logs by rules written down anew from docs/log-format.md: nothing of runtime/ or of
// kernel/log_reader.hpp decides here what counts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/log/stored_event.hpp"
#include "tests/simulator/kafka.hpp"

namespace everfold::simulator {

struct AcceptedCommit {
  LogId log;
  std::vector<StoredEvent> events;
  int64_t end_offset = 0;     // behind its last record
  int64_t visible_ms = 0;     // when consumers could see all of it
  int64_t visible_step = 0;

  const std::string& command_id() const { return events.front().meta.causation_id; }
};

struct AggregateId {
  std::string context, id;
  auto operator<=>(const AggregateId&) const = default;
};

struct AcceptedHistory {
  explicit AcceptedHistory(const Kafka& kafka);  // throws Violation when it contradicts itself

  std::vector<std::unique_ptr<AcceptedCommit>> commits;  // of a log in its order, log after log
  std::map<AggregateId, std::vector<const AcceptedCommit*>> by_aggregate;
  std::map<std::string, const AcceptedCommit*> by_command;
  std::map<LogId, int64_t> terms;  // the last of each log
  int64_t void_records = 0;

 private:
  void read(const Partition& partition);
  void add(std::unique_ptr<AcceptedCommit> commit);
};

}  // namespace everfold::simulator
