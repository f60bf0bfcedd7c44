// "Everything that was in the logs by now": who must not answer from an old state asks, and is called back when this node has read
// that far. Where the logs end is a question to Kafka, asked on a thread of its own: once for all who wait for it meanwhile.
//
// It also asks when nobody does, so that a node knows how much it may have missed: one that was frozen, or is cut off from
// Kafka and not from its clients, must not look things up as if nothing had happened.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "runtime/writer/writer_inbox.hpp"

namespace everfold {

class CatchUp {
 public:
  struct Edges {
    std::function<int64_t()> now_ms;
    std::function<void(ReadWait)> when_read;
    std::function<void(std::string_view)> say;
  };
  using Then = std::function<void(bool reached)>;  // false: not by the deadline, or Kafka does not answer

  CatchUp(LogSource& source, Edges edges, int64_t deadline_ms, std::chrono::milliseconds look_every);

  // From any thread; never blocks. `then` is called from another thread and must not block.
  void ask(Then then);
  // All that was in the logs so long ago has been read. From any thread.
  int64_t age_ms() const { return edges_.now_ms() - reached_ms_; }

 private:
  void serve(const std::stop_token& stop);
  void wait_for_all(std::vector<Then> asking);

  LogSource& source_;
  const Edges edges_;
  const int64_t deadline_ms_;
  const std::chrono::milliseconds look_every_;
  std::atomic<int64_t> reached_ms_{-1'000'000'000'000};  // never
  std::mutex mutex_;
  std::condition_variable_any asked_;
  std::vector<Then> asking_;
  std::jthread thread_;
};

}  // namespace everfold
