// "Everything that was in the logs by now": who must not answer from an old state asks, and is called back when this node has read
// that far. Where the logs end is a question to Kafka, asked on a thread of its own: once for all who wait for it meanwhile.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/event_log.hpp"
#include "runtime/writer_inbox.hpp"

namespace everfold {

class CatchUp {
 public:
  struct Edges {
    std::function<int64_t()> now_ms;
    std::function<void(ReadWait)> when_read;
    std::function<void(std::string_view)> say;
  };
  using Then = std::function<void(bool reached)>;  // false: not by the deadline, or Kafka does not answer

  CatchUp(LogSource& source, Edges edges, int64_t deadline_ms);

  // From any thread; never blocks. `then` is called from another thread and must not block.
  void ask(Then then);

 private:
  void serve(const std::stop_token& stop);
  void wait_for_all(std::vector<Then> asking);

  LogSource& source_;
  const Edges edges_;
  const int64_t deadline_ms_;
  std::mutex mutex_;
  std::condition_variable_any asked_;
  std::vector<Then> asking_;
  std::jthread thread_;
};

}  // namespace everfold
