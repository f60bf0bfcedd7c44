// Stops asking somebody who fails again and again, so that he can recover and nobody waits for him in vain. Pure: time
// is given. Not thread-safe.
//
//   closed ──failures in a row──> open ──pause over──> half open: one call goes out ──it is well──> closed
//                                  ^                                    │
//                                  └────────it fails: pause doubled─────┘
#pragma once

#include <cstdint>
#include <optional>

namespace everfold {

class CircuitBreaker {
 public:
  struct Options {
    int failures_to_open = 5;  // in a row
    int64_t first_pause_ms = 1'000;
    int64_t max_pause_ms = 30'000;
  };
  enum class State { closed, open, half_open };
  // That a call may go out. Belongs to the state that gave it: what an older one comes to says nothing of the present.
  struct Pass {
    int64_t period;
  };

  explicit CircuitBreaker(const Options& options) : options_(options) {}

  // None: not now. Whoever gets one says what came of it.
  std::optional<Pass> enter(int64_t now_ms);
  void succeeded(Pass pass);
  void failed(Pass pass, int64_t now_ms);

  int64_t wait_ms(int64_t now_ms) const;  // until enter() may say yes; 0: now, or when the probe is answered
  State state() const { return state_; }

 private:
  void become(State state);
  void open(int64_t now_ms);

  const Options options_;
  State state_ = State::closed;
  int64_t period_ = 0;  // counts the changes of state
  int failures_ = 0;    // in a row, while closed
  int pauses_ = 0;      // since it was closed last
  int64_t open_until_ms_ = 0;
  bool probing_ = false;  // while half open: the one call is out
};

}  // namespace everfold
