// What other threads leave for the writer's thread. Bounded, and whatever waits here keeps its deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/log/position_token.hpp"
#include "runtime/writer/command.hpp"

namespace everfold {

// Somebody waits until this node has read a log up to a position.
struct ReadWait {
  WantedPosition wanted;
  int64_t deadline_ms = 0;
  std::function<void(bool reached)> then;  // false: the deadline came first
};

class WriterInbox {
 public:
  explicit WriterInbox(std::size_t most_commands) : most_commands_(most_commands) {}

  enum class Put { first, more, full };  // first: the writer may be asleep; full: not taken, `queued` is as it was
  Put put(QueuedCommand& queued);
  void put(ReadWait wait);
  void assign(std::vector<LogId> logs);
  void share_anew();
  bool close();  // takes no more; true when nothing is waiting

  struct Contents {
    std::optional<std::vector<LogId>> assignment;  // as told last
    bool sharing_anew = false;                     // told after that
    std::deque<QueuedCommand> commands;
    std::vector<ReadWait> waits;
  };
  Contents take(bool with_commands);
  std::vector<QueuedCommand> take_due(int64_t now_ms);

 private:
  const std::size_t most_commands_;
  std::mutex mutex_;
  Contents contents_;
  bool closed_ = false;
};

}  // namespace everfold
