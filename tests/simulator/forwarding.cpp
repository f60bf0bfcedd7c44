#include "tests/simulator/forwarding.hpp"

#include <algorithm>

namespace everfold::simulator {
namespace {

constexpr std::ptrdiff_t threads_per_node = 3;
constexpr ForwardQueue::Options options{
    .most_open = 40, .attempt_ms = 400, .first_backoff_ms = 5, .last_backoff_ms = 80};

}  // namespace

SimForwarder::SimForwarder(Process& process, PeerNetwork network, ForwardQueue::Edges edges)
    : process_(process), network_(std::move(network)), queue_(std::move(edges), options) {}

void SimForwarder::step() {
  if (network_.peers.empty() || !process_.touch()) return;
  const int64_t now_ms = process_.universe->now_ms;
  const auto late = std::ranges::find_if(attempts_, [&](const auto& entry) { return entry.second.until_ms <= now_ms; });
  if (late != attempts_.end()) heard(late->first, {std::nullopt, true});
  queue_.route_due();
  const std::string& url = network_.peers[static_cast<std::size_t>(
      process_.universe->random.below(static_cast<int64_t>(network_.peers.size())))];
  if (std::ranges::count(attempts_, url, [](const auto& entry) { return entry.second.url; }) >= threads_per_node)
    return;
  auto next = queue_.next(url);
  if (!next) return;
  const Command command = next->queued.command;
  const int64_t attempt = next_attempt_++;
  attempts_.emplace(attempt, Attempt{url, std::move(next->queued), now_ms + next->timeout_ms});
  network_.send(url, attempt, command, next->timeout_ms);
}

void SimForwarder::heard(int64_t attempt, PeerAnswer answer) {
  auto found = attempts_.extract(attempt);
  if (found.empty()) return;
  queue_.conclude(found.mapped().url, std::move(found.mapped().queued), std::move(answer));
}

void SimForwarder::close() {
  while (!attempts_.empty()) heard(attempts_.begin()->first, {std::nullopt, true});
  queue_.close();
}

}  // namespace everfold::simulator
