// Every choice of a simulation comes from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace everfold::simulator {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // splitmix64, https://prng.di.unimi.it/splitmix64.c
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  int64_t between(int64_t least, int64_t most) { return least + below(most - least + 1); }
  bool one_in(int64_t n) { return below(n) == 0; }
  bool permille(int64_t n) { return below(1'000) < n; }
  template <class T>
  T& pick(std::vector<T>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int64_t>(from.size())))];
  }

 private:
  uint64_t state_;
};

}  // namespace everfold::simulator
