// What was sent and how long it took. Any thread may record.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "tools/load/histogram.hpp"

namespace everfold::load {

enum class Kind {
  create_product,
  receive_stock,
  adjust_stock,
  create_cart,
  add_item,
  check_out,
  cancel_order,
  refund,
  read
};
inline constexpr std::size_t kind_count = 9;
inline constexpr std::array<std::string_view, kind_count> kind_names{"create product", "receive stock", "adjust stock",
                                                                     "create cart",    "add item",      "check out",
                                                                     "cancel order",   "refund",        "read"};

class Metrics {
 public:
  // From the first attempt to the answer, retries included: what the shopper waits for.
  void answered(Kind kind, Histogram::Duration took) { latencies_[static_cast<std::size_t>(kind)].record(took); }
  void confirmed(Histogram::Duration since_checkout) { confirmations_.record(since_checkout); }
  void retried(const std::string& cause) {
    const std::lock_guard lock(mutex_);
    ++retries_[cause];
  }

  const Histogram& latencies(Kind kind) const { return latencies_[static_cast<std::size_t>(kind)]; }
  const Histogram& confirmations() const { return confirmations_; }
  std::map<std::string, std::uint64_t> retries() const {
    const std::lock_guard lock(mutex_);
    return retries_;
  }
  // Answered requests that change something: all but reads.
  std::uint64_t commands() const {
    std::uint64_t sum = 0;
    for (std::size_t kind = 0; kind < kind_count; ++kind) {
      if (kind != static_cast<std::size_t>(Kind::read)) sum += latencies_[kind].count();
    }
    return sum;
  }

 private:
  std::array<Histogram, kind_count> latencies_;
  Histogram confirmations_;  // POST checkout → the order is read as CONFIRMED
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> retries_;
};

}  // namespace everfold::load
