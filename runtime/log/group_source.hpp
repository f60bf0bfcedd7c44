// The port to a Kafka consumer group: topics whose partitions are shared by the group's members, positions kept by the group.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "runtime/writer/command.hpp"

namespace everfold {

class GroupSource {
 public:
  struct Assigned {
    LogId log;           // context and partition; of event or command topics, as the source was made for
    int64_t offset = 0;  // to go on from; 0 when the group has none yet
    std::string note;    // what commit() left beside it
  };
  struct Listener {
    std::function<void(const std::vector<Assigned>&)> assigned;
    std::function<void(const std::vector<LogId>&)> revoked;  // stop working on these before returning
    std::function<void(const LogId&, const RecordView&)> record;
  };

  virtual ~GroupSource() = default;
  // Waits up to `timeout_ms`; calls the listener from this thread. Returns the number of records.
  virtual std::size_t poll(int timeout_ms, const Listener& listener) = 0;
  // Instead of poll(), by who has no room for more records now: keeps the membership and serves rebalances, which a
  // group gives nobody more than minutes for. Does not wait.
  virtual void keep_membership(const Listener& listener) = 0;
  // `offset`: of the next record to handle. Kept locally and committed in the background and when a partition is revoked.
  virtual void commit(const LogId& log, int64_t offset, const std::string& note) = 0;
  // Nothing more of this partition is handed over until resume(), which goes on where it stopped. Only of what is
  // assigned; a new assignment begins resumed.
  virtual void pause(const LogId& log) = 0;
  virtual void resume(const LogId& log) = 0;
  // From any thread.
  virtual void wake() = 0;
};

// Sends commands to command topics.
class CommandSender {
 public:
  virtual ~CommandSender() = default;
  // Appends the commands in order and waits until Kafka has acknowledged all; false when the deadline passed first (some may
  // have arrived: their ids make sending them again harmless).
  virtual bool send(const std::vector<Command>& commands, int timeout_ms) = 0;
};

}  // namespace everfold
