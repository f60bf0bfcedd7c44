// What the floors have in common: how they measure, and how they end.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <string_view>
#include <vector>

namespace everfold::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

inline int64_t ns_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// Of latencies in ns, which it reorders; `share` 0.5 is the median.
inline double percentile_ms(std::vector<int64_t>& latencies_ns, double share) {
  if (latencies_ns.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(latencies_ns.size() - 1));
  std::nth_element(latencies_ns.begin(), latencies_ns.begin() + rank, latencies_ns.end());
  return static_cast<double>(latencies_ns[static_cast<std::size_t>(rank)]) / 1e6;
}

// main()'s exit code. Standard output is for the figures, one JSON object.
inline int run(std::string_view name, const std::function<void()>& measure) {
  try {
    measure();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace everfold::bench
