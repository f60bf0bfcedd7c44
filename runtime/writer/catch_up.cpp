#include "runtime/writer/catch_up.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

namespace everfold {
namespace {

constexpr int ends_timeout_ms = 3'000;

}  // namespace

CatchUp::CatchUp(LogSource& source, Edges edges, int64_t deadline_ms, std::chrono::milliseconds look_every)
    : source_(source),
      edges_(std::move(edges)),
      deadline_ms_(deadline_ms),
      look_every_(look_every),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

void CatchUp::ask(Then then) {
  const std::lock_guard lock(mutex_);
  asking_.push_back(std::move(then));
  asked_.notify_one();
}

void CatchUp::serve(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    asked_.wait_for(lock, stop, look_every_, [this] { return !asking_.empty(); });
    if (stop.stop_requested()) return;
    std::vector<Then> asking = std::exchange(asking_, {});
    lock.unlock();
    wait_for_all(std::move(asking));
    lock.lock();
  }
}

void CatchUp::wait_for_all(std::vector<Then> asking) {
  const int64_t asked_ms = edges_.now_ms();
  std::vector<WantedPosition> ends;
  try {
    ends = source_.end_positions(ends_timeout_ms);
  } catch (const std::runtime_error& e) {
    if (!asking.empty()) edges_.say(e.what());
    for (const Then& then : asking) then(false);
    return;
  }
  struct Waiting {
    std::vector<Then> asking;
    std::atomic<std::size_t> open;
    std::atomic<bool> reached{true};
  };
  const auto waiting = std::make_shared<Waiting>(std::move(asking), ends.size());
  const int64_t deadline_ms = asked_ms + deadline_ms_;
  for (WantedPosition& end : ends)
    edges_.when_read({std::move(end), deadline_ms, [this, asked_ms, waiting](bool reached) {
                        if (!reached) waiting->reached = false;
                        if (--waiting->open > 0) return;
                        if (waiting->reached) reached_ms_ = std::max(reached_ms_.load(), asked_ms);
                        for (const Then& then : waiting->asking) then(waiting->reached);
                      }});
}

}  // namespace everfold
