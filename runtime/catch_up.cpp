#include "runtime/catch_up.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

namespace everfold {
namespace {

constexpr int ends_timeout_ms = 3'000;

}  // namespace

CatchUp::CatchUp(LogSource& source, Edges edges, int64_t deadline_ms)
    : source_(source), edges_(std::move(edges)), deadline_ms_(deadline_ms), thread_([this](const std::stop_token& stop) { serve(stop); }) {}

void CatchUp::ask(Then then) {
  const std::lock_guard lock(mutex_);
  asking_.push_back(std::move(then));
  asked_.notify_one();
}

void CatchUp::serve(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (asked_.wait(lock, stop, [this] { return !asking_.empty(); })) {
    std::vector<Then> asking = std::exchange(asking_, {});
    lock.unlock();
    wait_for_all(std::move(asking));
    lock.lock();
  }
}

void CatchUp::wait_for_all(std::vector<Then> asking) {
  std::vector<WantedPosition> ends;
  try {
    ends = source_.end_positions(ends_timeout_ms);
  } catch (const std::runtime_error& e) {
    edges_.say(e.what());
    for (const Then& then : asking) then(false);
    return;
  }
  struct Waiting {
    std::vector<Then> asking;
    std::atomic<std::size_t> open;
    std::atomic<bool> reached{true};
  };
  const auto waiting = std::make_shared<Waiting>(std::move(asking), ends.size());
  const int64_t deadline_ms = edges_.now_ms() + deadline_ms_;
  for (WantedPosition& end : ends)
    edges_.when_read({std::move(end), deadline_ms, [waiting](bool reached) {
                        if (!reached) waiting->reached = false;
                        if (--waiting->open > 0) return;
                        for (const Then& then : waiting->asking) then(waiting->reached);
                      }});
}

}  // namespace everfold
