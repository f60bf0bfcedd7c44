#include "tools/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace everfold::load {

// Values below 2^(sub_bits + 1) have a bucket each. Above, the highest bit chooses a row of 2^sub_bits buckets and the
// sub_bits behind it the bucket, as in HdrHistogram.
std::size_t Histogram::bucket_of(std::uint64_t us) {
  constexpr std::uint64_t exact = 2ull << sub_bits;
  if (us < exact) return us;
  const auto shift = static_cast<unsigned>(std::bit_width(us)) - sub_bits - 1;
  return (static_cast<std::size_t>(shift) << sub_bits) + (us >> shift);
}

std::uint64_t Histogram::upper_end(std::size_t bucket) {
  constexpr std::uint64_t exact = 2ull << sub_bits;
  if (bucket < exact) return bucket;
  const auto shift = (bucket >> sub_bits) - 1;
  const auto top = bucket - (shift << sub_bits);
  return ((top + 1) << shift) - 1;
}

void Histogram::record(Duration value) {
  const auto us = std::max<std::int64_t>(0, value.count());
  ++buckets_[bucket_of(static_cast<std::uint64_t>(us))];
  ++count_;
  auto seen = max_us_.load();
  while (us > seen && !max_us_.compare_exchange_weak(seen, us)) {
  }
}

Histogram::Duration Histogram::percentile(double percent) const {
  const auto all = count();
  if (all == 0) return Duration(0);
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(percent / 100 * static_cast<double>(all))));
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    below += buckets_[bucket].load();
    if (below >= wanted) return std::min(Duration(static_cast<std::int64_t>(upper_end(bucket))), max());
  }
  return max();
}

}  // namespace everfold::load
