// Where the load stands: a bar on a terminal, a JSON line every few seconds otherwise. Written to stderr.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

#include "tools/load/metrics.hpp"

namespace everfold::load {

class Progress {
 public:
  explicit Progress(const Metrics& metrics);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(const std::string& phase, std::size_t total);
  void advance() { ++done_; }

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void show(bool last);

  const Metrics& metrics_;
  const bool terminal_;
  std::atomic<std::size_t> done_ = 0;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::string phase_;
  std::size_t total_ = 0;
  Clock::time_point begin_ = Clock::now();
  std::thread thread_;
};

}  // namespace everfold::load
