// How long to wait before trying again.
#pragma once

#include <algorithm>
#include <cstdint>

namespace everfold {

// Anywhere between 1 ms and a limit that doubles with each failure ("full jitter": M. Brooker, "Exponential Backoff And
// Jitter", AWS Architecture Blog, 2015), so that those who failed together do not come back together.
// `failures`: in a row, from 1. `chance`: from [0, 1).
inline int64_t full_jitter_ms(int failures, int64_t first_ms, int64_t max_ms, double chance) {
  const int64_t limit = std::min(max_ms, first_ms << std::clamp(failures - 1, 0, 30));
  return std::max<int64_t>(1, static_cast<int64_t>(chance * static_cast<double>(limit)));
}

}  // namespace everfold
