// Commands from command topics into the writer. The consumer group decides which shards are this node's (liveness only: safety is the
// log's); a command's offset is committed when the writer has answered it, so that none is lost, and one read twice is known by its id.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/group_source.hpp"
#include "runtime/writer.hpp"

namespace everfold {

class CommandIntake {
 public:
  using Refused = std::function<void(const Command&, const Rejection&)>;

  // `refused`: told of what a decider said no to; who sent it must have wanted an event otherwise (docs/architecture.md).
  CommandIntake(GroupSource& source, Writer& writer, Refused refused);

  void step(int timeout_ms);  // its own thread, for ever
  void stop();                // from any thread: a waiting step() returns, and no command is taken any more

 private:
  struct Open {
    int64_t generation = 0;          // of the assignment
    std::map<int64_t, bool> offsets;  // read and not committed → answered
  };
  struct Answered {
    LogId log;
    int64_t generation;
    int64_t offset;
  };

  void take(const LogId& log, const RecordView& record);
  void commit_answered();
  void answered(Answered answer);

  GroupSource& source_;
  Writer& writer_;
  const Refused refused_;
  const GroupSource::Listener listener_;
  std::map<LogId, Open> open_;
  std::size_t open_count_ = 0;
  int64_t generation_ = 0;

  std::mutex mutex_;
  std::condition_variable progress_;
  std::vector<Answered> answered_;
  bool stopped_ = false;
};

}  // namespace everfold
