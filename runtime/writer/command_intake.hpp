// Commands from command topics into the writer. The consumer group decides which shards are this node's (liveness only:
// safety is the log's); a command's offset is committed when the writer has answered it, so that none is lost, and one
// read twice is known by its id.
//
// A record that is no command, or none that this program knows, one in another partition than its aggregate's, and a
// command whose aggregate cannot be read are parked (runtime/parking/parking.hpp), with all later ones of the aggregate. A
// decider's refusal is a decision: it is told, and done.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/log/group_source.hpp"
#include "runtime/parking/parking.hpp"
#include "runtime/writer/writer.hpp"

namespace everfold {

class CommandIntake {
 public:
  using Refused = std::function<void(const Command&, const Rejection&)>;

  // `refused`: told of what a decider said no to; who sent it must have wanted an event otherwise (docs/architecture.md).
  CommandIntake(GroupSource& source, Writer& writer, Parking& parking, Refused refused);

  void step(int timeout_ms);  // its own thread, for ever
  void stop();                // from any thread: a waiting step() returns, and no command is taken any more

 private:
  struct Arrived {
    int64_t offset = 0;
    std::string aggregate_id;
    std::optional<Command> command;  // nothing: it cannot be read
  };
  struct Open {
    int64_t generation = 0;           // of the assignment
    int64_t position = 0;             // everything before it is answered, or read back as parked
    std::map<int64_t, bool> offsets;  // read and not committed → answered, or parked
    std::deque<Arrived> waiting;      // until may_handle()
    bool paused = false;
  };
  struct Answered {
    ParkedId at;
    int64_t generation = 0;
    bool retried = false;             // it was parked
    std::optional<Command> command;   // of one that could not be handled
    std::optional<Rejection> failed;  // why
  };

  void assign(const std::vector<GroupSource::Assigned>& assigned);
  void revoke(const std::vector<LogId>& revoked);
  bool may_handle(const LogId& log, const Open& open) const;
  void take(const LogId& log, const RecordView& record);
  void take_waiting();
  void handle(const LogId& log, Open& open, Arrived arrived);
  void park(const LogId& log, const Arrived& arrived, const Rejection* why);
  void offer(const Command& command, Answered answer);
  void retry_parked();
  bool retry(const ParkedId& id, const Open& open, bool& readable);
  void answered(Answered answer);
  void take_answered();
  void commit_positions();
  std::optional<Rejection> why_not(const LogId& log, const std::optional<Command>& command) const;

  GroupSource& source_;
  Writer& writer_;
  Parking& parking_;
  const Refused refused_;
  const GroupSource::Listener listener_;
  std::map<LogId, Open> open_;
  std::size_t open_count_ = 0;  // of all logs, without those that wait
  int64_t generation_ = 0;

  std::mutex mutex_;
  std::condition_variable progress_;
  std::vector<Answered> answered_;
  bool stopped_ = false;
};

}  // namespace everfold
