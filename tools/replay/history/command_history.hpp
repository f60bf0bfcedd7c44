// The command topics: what translators, payment gateways and other programs sent to the writers. A command that came by
// HTTP left no record but its events.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "platform/kafka/log_source.hpp"
#include "platform/kafka/topology.hpp"
#include "runtime/writer/command.hpp"
#include "tools/replay/output/progress.hpp"

namespace everfold::replay {

class CommandHistory {
 public:
  struct Ports {
    std::function<std::vector<kafka::Extent>(const std::vector<LogId>&)> extents;
    std::function<std::unique_ptr<LogSource>()> source;
  };
  // `logs`: the partitions, by context and shard.
  CommandHistory(const kafka::KafkaOptions& options, std::vector<LogId> logs);
  CommandHistory(Ports ports, std::vector<LogId> logs) : ports_(std::move(ports)), logs_(std::move(logs)) {}

  // Every record that is a command, also one that was sent before; what is none is left out. Up to the ends that the
  // topics have at the start. False of the sink: enough. Throws std::runtime_error with a sentence.
  using Sink = std::function<bool(const LogId&, int64_t offset, Command)>;
  void read(const Sink& sink, const std::stop_token& stop, ProgressLine* progress = nullptr);

  // The next reading ends where the last one did, whatever was sent since.
  void limit_to_last_ends() { limited_ = true; }
  // Of the last reading: some topic had lost its beginning (which docs/operations.md allows).
  bool incomplete() const { return incomplete_; }

 private:
  Ports ports_;
  std::vector<LogId> logs_;
  std::vector<kafka::Extent> extents_;  // of the last reading
  bool limited_ = false;
  bool incomplete_ = false;
};

}  // namespace everfold::replay
