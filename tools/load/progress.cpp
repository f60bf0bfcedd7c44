#include "tools/load/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace everfold::load {
namespace {

constexpr std::chrono::milliseconds redraw{200};
constexpr std::chrono::seconds json_every{5};
constexpr std::size_t bar_width = 30;

std::string minutes(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  const auto rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + (rest.size() < 2 ? ":0" : ":") + rest;
}

}  // namespace

Progress::Progress(const Metrics& metrics) : metrics_(metrics), terminal_(isatty(STDERR_FILENO) == 1) {
  thread_ = std::thread([this] { run(); });
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    ending_.notify_all();
  }
  thread_.join();
  show(true);
}

void Progress::begin(const std::string& phase, std::size_t total) {
  if (!phase_.empty()) show(true);
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  total_ = total;
  done_ = 0;
  begin_ = Clock::now();
}

void Progress::run() {
  std::unique_lock lock(mutex_);
  auto next = Clock::now() + json_every;
  while (!ending_.wait_for(lock, redraw, [this] { return ended_; })) {
    if (!terminal_ && Clock::now() < next) continue;
    next = Clock::now() + json_every;
    lock.unlock();
    show(false);
    lock.lock();
  }
}

void Progress::show(bool last) {
  const std::lock_guard lock(mutex_);
  if (phase_.empty() || total_ == 0) return;
  const auto done = std::min(done_.load(), total_);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done) / rate : 0;
  if (!terminal_) {
    const nlohmann::json line{{"phase", phase_},   {"done", done},        {"total", total_},
                              {"perSecond", rate}, {"secondsLeft", left}, {"commands", metrics_.commands()}};
    std::fprintf(stderr, "%s\n", line.dump().c_str());
    return;
  }
  const auto filled = bar_width * done / total_;
  const auto bar = std::string(filled, '#') + std::string(bar_width - filled, '.');
  std::fprintf(stderr, "\r%-9s [%s] %zu/%zu  %.0f/s  %s %s \033[K%s", phase_.c_str(), bar.c_str(), done, total_, rate,
               last ? "took" : "left", minutes(last ? seconds : left).c_str(), last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace everfold::load
