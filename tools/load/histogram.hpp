// Durations counted in buckets that grow with the value: exact below 64 µs, within 1/32 above. Any number of threads
// may record at once.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace everfold::load {

class Histogram {
 public:
  using Duration = std::chrono::microseconds;

  void record(Duration value);  // negative counts as 0

  std::uint64_t count() const { return count_.load(); }
  Duration max() const { return Duration(max_us_.load()); }
  // The smallest bucket's upper end that at least `percent` of the values don't exceed, never above max(); 0 when
  // empty.
  Duration percentile(double percent) const;

 private:
  static constexpr unsigned sub_bits = 5;  // 32 buckets for every power of two
  static constexpr std::size_t bucket_count = (64 - sub_bits) << sub_bits;
  static std::size_t bucket_of(std::uint64_t us);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<std::int64_t> max_us_ = 0;
};

}  // namespace everfold::load
