// Writes logs record by record, as writers, their zombies and strangers would: for tests of everfold-replay.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/ids.hpp"
#include "runtime/log/memory_log.hpp"
#include "schemas/inventory/events.hpp"
#include "tools/replay/history/history.hpp"

namespace everfold::testing {

inline std::string stock_received(int64_t quantity = 1) {
  inventory::v1::StockReceived event;
  event.set_quantity(quantity);
  event.set_on_hand(quantity);
  return event.SerializeAsString();
}

// An event of inventory, by its command.
inline StoredEvent stock_event(const std::string& aggregate, int64_t version, const std::string& command,
                               std::size_t place = 1, int64_t time_ms = 1) {
  StoredEvent event;
  event.meta.id = event_id(command, place);
  event.meta.type = "everfold.inventory.StockReceived.v1";
  event.meta.context = "inventory";
  event.meta.aggregate_id = aggregate;
  event.meta.version = version;
  event.meta.time_ms = time_ms;
  event.meta.correlation_id = "correlation";
  event.meta.causation_id = command;
  event.bytes = stock_received();
  return event;
}

class Scribe {
 public:
  Scribe(std::shared_ptr<MemoryLogs> logs, LogId id, std::string nonce = "nonce")
      : logs_(std::move(logs)), id_(std::move(id)), nonce_(std::move(nonce)) {}

  void term(int64_t term) {
    logs_->append(id_, term_record(id_, term, "writer", "", nonce_ + std::to_string(term), 0));
    if (term <= term_) return;
    term_ = term;
    commit_ = 0;
  }
  // The next commit of the present term: as many events of one aggregate, at one time.
  void commit(const std::string& aggregate, int events, int64_t time_ms) {
    ++commit_;
    const std::string command =
        to_string(id_) + "-" + nonce_ + "-" + std::to_string(term_) + "-" + std::to_string(commit_);
    for (int part = 1; part <= events; ++part)
      write(stock_event(aggregate, ++versions_[aggregate], command, static_cast<std::size_t>(part), time_ms),
            {term_, commit_, part, events});
  }
  void write(const StoredEvent& event, const LogMark& mark) { logs_->append(id_, event_record(event, mark)); }
  // Void, whatever it is: of an old term, again, or out of order.
  void stray(const LogMark& mark, int64_t time_ms = 1) { write(stock_event("stray", 1, "stray", 1, time_ms), mark); }
  void rubbish() { logs_->append(id_, {"key", "rubbish", {}}); }

  int64_t present_term() const { return term_; }
  int64_t present_commit() const { return commit_; }

 private:
  std::shared_ptr<MemoryLogs> logs_;
  const LogId id_;
  const std::string nonce_;
  int64_t term_ = 0, commit_ = 0;
  std::map<std::string, int64_t> versions_;
};

inline replay::History::Ports ports_of(std::shared_ptr<MemoryLogs> logs, std::map<std::string, int> partitions) {
  return {[partitions] { return partitions; },
          [logs](const std::vector<LogId>& asked) {
            std::vector<kafka::Extent> extents;
            for (const LogId& log : asked) extents.push_back({0, logs->end(log)});
            return extents;
          },
          [logs](kafka::Reading) { return std::make_unique<MemoryLogSource>(logs); }};
}

}  // namespace everfold::testing
