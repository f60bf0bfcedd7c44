// What became of every invoice. Workers write each its own entry once; others wait for it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "tools/load/stop.hpp"

namespace everfold::load {

enum class Outcome {
  not_sent,  // nothing to send, or the load ended before it
  done,      // confirmed, adjusted, cancelled or refunded
  refused,   // the shop said no
  failed,    // no definite answer, or one that makes no sense
};

struct Entry {
  Outcome outcome = Outcome::not_sent;
  std::string reason;  // of a refusal or failure
  std::string order_id;
  std::string payment_id;  // empty: the order costs nothing
  bool ended = false;      // a worker is through with it
};

class Ledger {
 public:
  explicit Ledger(std::size_t invoices) : entries_(invoices) {}

  void write(std::size_t invoice, Entry entry) {
    const std::lock_guard lock(mutex_);
    entry.ended = true;
    entries_[invoice] = std::move(entry);
    changed_.notify_all();
  }

  // The entry once a worker is through with it, or as it is when the load is stopped.
  Entry wait_for(std::size_t invoice, const Stop& stop) {
    std::unique_lock lock(mutex_);
    while (!entries_[invoice].ended && !stop.asked()) changed_.wait_for(lock, std::chrono::milliseconds(100));
    return entries_[invoice];
  }

  std::vector<Entry> entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> entries_;
};

}  // namespace everfold::load
