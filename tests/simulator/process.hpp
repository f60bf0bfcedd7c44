// What the parts of one simulated program share: whether it lives, whether Kafka hears it, and when it dies. Every call to a port
// touches its process first: that is where a crash strikes, in the middle of whatever the real code was doing.
#pragma once

#include <cstdint>
#include <iostream>
#include <string>

#include "tests/simulator/random.hpp"

namespace everfold::simulator {

// The process ends here and now: thrown by a port, caught by the world, which destroys the process's objects.
struct Crash {};

// What one run shares: chance, time, and what to tell whoever replays it.
struct Universe {
  explicit Universe(uint64_t seed, bool tell_all) : random(seed), tell(tell_all) {}

  template <class... Parts>
  void say(const Parts&... parts) const {
    if (!tell) return;
    std::cout << "[" << now_ms << " ms, step " << step << "] ";
    (std::cout << ... << parts) << "\n";
  }

  Random random;
  const bool tell;
  int64_t now_ms = 1'000'000;
  int64_t step = 0;
};

struct Process {
  explicit Process(Universe& in, std::string called) : universe(&in), name(std::move(called)) {}

  // Of a port's call: false when the process is dead already and only its destructors run.
  bool touch() {
    if (!alive) return false;
    if (crash_in >= 0 && crash_in-- == 0) {
      alive = false;
      universe->say(name, " crashes in the middle of its work");
      throw Crash{};
    }
    return true;
  }
  bool runs() const { return alive && !frozen; }
  bool reaches_kafka() const { return runs() && !cut_off; }

  Universe* universe;
  std::string name;
  bool alive = true;
  bool frozen = false;       // SIGSTOP
  bool cut_off = false;      // from the brokers
  int64_t crash_in = -1;     // calls of ports until it dies; -1: it does not
  int64_t clock_skew_ms = 0;
};

}  // namespace everfold::simulator
