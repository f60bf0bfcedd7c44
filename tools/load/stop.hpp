// "Please end now", said once (by a signal, or by a phase that failed) and heard everywhere.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace everfold::load {

class Stop {
 public:
  // Safe in a signal handler. The first one's number (0: no signal) is kept.
  void ask(int signal) {
    int none = not_asked;
    asked_.compare_exchange_strong(none, signal);
  }
  bool asked() const { return asked_.load() != not_asked; }
  int signal() const { return std::max(0, asked_.load()); }

  // False: asked to stop before the time was over.
  bool sleep_until(std::chrono::steady_clock::time_point end) const {
    while (!asked()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= end) return true;
      std::this_thread::sleep_for(
          std::min<std::chrono::steady_clock::duration>(end - now, std::chrono::milliseconds(50)));
    }
    return false;
  }
  bool sleep_for(std::chrono::steady_clock::duration time) const {
    return sleep_until(std::chrono::steady_clock::now() + time);
  }

 private:
  static constexpr int not_asked = -1;
  std::atomic<int> asked_ = not_asked;
};

}  // namespace everfold::load
