// What the folding of a view needs from outside.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "runtime/log/stored_event.hpp"
#include "runtime/views/view.hpp"
#include "runtime/views/view_shelf.hpp"

namespace everfold {

struct ProjectorSettings {
  std::size_t batch_records = 20'000;  // a batch is written when it is that long,
  int64_t batch_ms = 100;              // or that old, or when the source has nothing more
  int poll_ms = 50;                    // how soon a request to stop is seen
  int64_t look_ms = 1'000;             // how often the folder is looked after
  int64_t retry_ms = 1'000;            // after a disk that was full, doubling up to 30 s
  int build_threads = 1;               // that fold a generation in the making
  int64_t wish_ms = 10'000;            // how long an operator's wish waits for the end of a batch
};

// The projectors of a program build one at a time: a source for bulk reads far ahead, which takes memory.
class BuildTurn {
 public:
  bool wait(const std::stop_token& stop);  // false: asked to stop
  void pass();

 private:
  std::mutex mutex_;
  std::condition_variable_any free_;
  bool taken_ = false;
};

struct ViewPorts {
  using Say = std::function<void(std::string_view)>;

  ViewShelf& shelf;
  std::function<std::unique_ptr<LogSource>(bool building)> make_source;  // building: from far behind, in bulk
  std::function<int64_t()> now_ms;                                       // monotonic
  Say say;                                                               // to the operator; rare
  Say warn;
  BuildTurn& turn;
  // Why a store that stands there must not be folded on: the logs are not those that it was folded from. Nothing: they
  // are. Throws std::runtime_error when that cannot be learnt now.
  std::function<std::optional<std::string>(const std::vector<std::pair<LogId, LogPosition>>&)> refusal =
      [](const auto&) { return std::nullopt; };
  // What was done to the view, and for whom, to the operations' log (runtime/views/operations_log.hpp). Throws
  // std::runtime_error when that does not take it.
  std::function<void(const StoredEvent& operation)> note = [](const auto&) {};
  std::function<int64_t()> wall_ms = [] { return int64_t{0}; };
};

using MakeView = std::function<std::unique_ptr<View>()>;

// The logs' ends of now. Kafka may be away: that is waited for, and said. What is left at a stop is 0.
std::vector<int64_t> learn_ends(LogSource& source, const std::vector<LogId>& logs, const ViewPorts& ports,
                                const std::stop_token& stop);

// Throws std::runtime_error when the logs are not those that stand there; waits for Kafka, and says so.
void require_same_logs(const std::vector<std::pair<LogId, LogPosition>>& positions, const ViewPorts& ports,
                       const std::stop_token& stop);

}  // namespace everfold
