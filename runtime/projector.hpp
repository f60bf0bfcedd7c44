// Folds the logs into one view, for ever: opens its live generation or folds a new one and switches to it, reads,
// folds, writes rows and log positions in one batch. Exactly once, because the positions are the store's own.
//
// A generation is folded anew from the beginning when there is none, when another version of the view's code wrote it,
// and when it is damaged or deleted, at the start or under way, found by itself or by a reader; the old one, if readable,
// serves until the new one has reached the logs' end. A disk that is full is waited for.
#pragma once

#include <atomic>
#include <condition_variable>
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

#include "runtime/event_log.hpp"
#include "runtime/view.hpp"
#include "runtime/view_fold.hpp"
#include "runtime/view_generations.hpp"

namespace everfold {

struct ProjectorSettings {
  std::size_t batch_records = 20'000;  // a batch is written when it is that long,
  int64_t batch_ms = 100;              // or that old, or when the source has nothing more
  int poll_ms = 50;                    // how soon a request to stop is seen
  int64_t look_ms = 1'000;             // how often the folder is looked after
  int64_t retry_ms = 1'000;            // after a disk that was full, doubling up to 30 s
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

class Projector {
 public:
  struct Ports {
    ViewShelf& shelf;
    std::function<std::unique_ptr<LogSource>(bool building)> make_source;  // building: from the beginning, in bulk
    std::function<int64_t()> now_ms;                                       // monotonic
    ViewGenerations::Say say;                                              // to the operator; rare
    ViewGenerations::Say warn;
    BuildTurn& turn;
    // Why a store that stands there must not be folded on: the logs are not those that it was folded from. Nothing: they
    // are. Throws std::runtime_error when that cannot be learnt now.
    std::function<std::optional<std::string>(const std::vector<std::pair<LogId, LogPosition>>&)> refusal =
        [](const auto&) { return std::nullopt; };
  };
  struct Status {
    int64_t generation = 0;
    bool building = true;               // queries do not read it yet
    bool caught_up = false;             // has been at the end of its logs since the program started
    int64_t events = 0;                 // folded since then
    double events_per_s = 0;            // of the last second
    int64_t parked = 0;                 // rows that cannot be folded on
    std::vector<int64_t> next_offsets;  // in the order of logs()
  };

  // `logs`: of the view's context, or of every context.
  Projector(View& view, std::vector<LogId> logs, Ports ports, ProjectorSettings settings = {});

  // Until asked to stop; what was folded is written then. Throws std::runtime_error for what
  // folding anew cannot cure.
  void run(const std::stop_token& stop);
  // A new generation from the beginning to what is now the logs' end, switched to. False: asked to stop before.
  bool rebuild(const std::stop_token& stop);

  // From any thread.
  Status status() const;
  std::string_view view() const { return view_.name(); }
  const std::vector<LogId>& logs() const { return logs_; }

 private:
  bool build(Generation& generation, const std::stop_token& stop);
  bool follow(const Generation& generation, const std::stop_token& stop);
  void require_same_logs(const ViewStore& store, const std::stop_token& stop);
  std::vector<int64_t> learn_ends(LogSource& source, const std::stop_token& stop);
  void step(LogSource& source, ViewFold& fold);
  void look_after(const Generation& generation);
  void wait_out(const std::string& trouble, const std::stop_token& stop);
  void show(const ViewFold& fold);

  View& view_;
  const std::vector<LogId> logs_;
  const Ports ports_;
  const ProjectorSettings settings_;
  ViewGenerations generations_;
  int damages_ = 0;   // since it was caught up last
  int troubles_ = 0;  // as well
  int64_t batch_started_ms_ = 0;
  int64_t looked_ms_ = 0;
  int64_t looked_events_ = 0;

  std::atomic<int64_t> generation_{0};
  std::atomic<bool> building_{true};
  std::atomic<bool> caught_up_{false};
  std::atomic<int64_t> events_{0};
  std::atomic<double> events_per_s_{0};
  std::atomic<int64_t> parked_{0};
  std::vector<std::atomic<int64_t>> next_offsets_;
};

}  // namespace everfold
