#include "runtime/writer/forwarder.hpp"

#include <chrono>
#include <utility>

namespace everfold {
namespace {

constexpr auto look_again = std::chrono::milliseconds(10);  // the clock is the caller's: it is asked, not waited for

}  // namespace

Forwarder::Forwarder(Peers& peers, Edges edges, Options options)
    : peers_(peers),
      threads_per_node_(options.threads_per_node),
      queue_(std::move(edges), options.queue),
      clock_([this](const std::stop_token& stop) { return_due(stop); }) {}

void Forwarder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (auto& [url, node] : nodes_)
      for (std::jthread& thread : node->threads) thread.request_stop();
  }
  clock_ = {};
  for (auto& [url, node] : nodes_) node->threads.clear();
  queue_.close();
}

void Forwarder::forward(QueuedCommand queued, const std::string& url) {
  queue_.put(std::move(queued), url);
  wake(url);
}

void Forwarder::wake(const std::string& url) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;  // stop() answers it
  if (url.empty()) return later_changed_.notify_one();
  std::unique_ptr<Node>& node = nodes_[url];
  if (!node) {
    node = std::make_unique<Node>();
    for (int i = 0; i < threads_per_node_; ++i)
      node->threads.emplace_back([this, &node = *node, url](const std::stop_token& stop) { serve(node, url, stop); });
  }
  node->wake.notify_one();
}

void Forwarder::serve(Node& node, const std::string& url, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (node.wake.wait(lock, stop, [&] { return queue_.waits_for(url); }) && !stop.stop_requested()) {
    lock.unlock();
    if (auto attempt = queue_.next(url)) {
      PeerAnswer answer = peers_.send(url, attempt->queued.command, attempt->timeout_ms);
      queue_.conclude(url, std::move(attempt->queued), std::move(answer));
    }
    lock.lock();
    later_changed_.notify_one();
  }
}

void Forwarder::return_due(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (later_changed_.wait(lock, stop, [&] { return queue_.waits_to_be_routed(); }) && !stop.stop_requested()) {
    lock.unlock();
    queue_.route_due();
    lock.lock();
    later_changed_.wait_for(lock, stop, look_again, [] { return false; });
  }
}

}  // namespace everfold
