// Writes a log as its writer does: terms, commits, versions without gaps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/ids.hpp"
#include "runtime/log/memory_log.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::testing {

class WrittenLog {
 public:
  WrittenLog(std::shared_ptr<MemoryLogs> logs, LogId id) : logs_(std::move(logs)), id_(std::move(id)) { start_term(1); }

  void start_term(int64_t term) {
    term_ = term;
    commit_ = 0;
    logs_->append(id_, term_record(id_, term, "writer", "", "nonce", 0));
  }

  template <class Event>
  void commit(const std::string& aggregate_id, const std::vector<Event>& events) {
    std::vector<Encoded> encoded;
    for (const auto& event : events) encoded.push_back(encode(event));
    append({term_, ++commit_, 0, 0}, aggregate_id, encoded);
  }
  void commit_unknown(const std::string& aggregate_id, const std::string& type) {
    append({term_, ++commit_, 0, 0}, aggregate_id, {{type, "bytes"}});
  }
  // What a writer of an older term still sends: void for every reader.
  template <class Event>
  void zombie_commit(int64_t term, const std::string& aggregate_id, const Event& event) {
    auto versions = versions_;
    append({term, 1, 0, 0}, aggregate_id, {encode(event)});
    versions_ = std::move(versions);
  }

 private:
  void append(LogMark mark, const std::string& aggregate_id, const std::vector<Encoded>& events) {
    const std::string command = id_.context + "-" + std::to_string(mark.term) + "-" + std::to_string(mark.commit);
    mark.parts = static_cast<int>(events.size());
    for (const auto& [type, bytes] : events) {
      StoredEvent event;
      event.meta.id = event_id(command, static_cast<std::size_t>(++mark.part));
      event.meta.type = type;
      event.meta.context = id_.context;
      event.meta.aggregate_id = aggregate_id;
      event.meta.version = ++versions_[aggregate_id];
      event.meta.time_ms = ++time_ms_;
      event.meta.correlation_id = "correlation";
      event.meta.causation_id = command;
      event.bytes = bytes;
      logs_->append(id_, event_record(event, mark));
    }
  }

  std::shared_ptr<MemoryLogs> logs_;
  LogId id_;
  int64_t term_ = 0, commit_ = 0, time_ms_ = 0;
  std::map<std::string, int64_t> versions_;
};

}  // namespace everfold::testing
