#include "runtime/forwarder.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace everfold {
namespace {

constexpr auto look_again = std::chrono::milliseconds(10);  // the clock is the caller's: it is asked, not waited for

Rejection given_up(const QueuedCommand& queued, const char* why) {
  return queued.in_doubt ? outcome_unknown() : nothing_done(why);
}

bool is_decided(const std::optional<Outcome>& outcome) {
  return outcome && (*outcome || outcome->error().code != Code::unavailable);
}

}  // namespace

Forwarder::Forwarder(Peers& peers, Edges edges, Options options)
    : peers_(peers), edges_(std::move(edges)), options_(options), clock_([this](const std::stop_token& stop) { return_due(stop); }) {}

void Forwarder::stop() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [url, node] : nodes_)
      for (std::jthread& thread : node->threads) thread.request_stop();
  }
  clock_ = {};
  for (auto& [url, node] : nodes_) {
    node->threads.clear();
    for (QueuedCommand& queued : node->waiting) queued.reply(given_up(queued, "This node is stopping"));
    node->waiting.clear();
  }
  for (auto& [due_ms, queued] : std::exchange(later_, {})) queued.reply(given_up(queued, "This node is stopping"));
}

void Forwarder::forward(QueuedCommand queued, const std::string& url) {
  // What is sent may lie in a frozen node's socket while the command is sent again and done: whoever takes it must look it up.
  queued.command.meta.fresh_id = false;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && open_ < options_.most_open) {
      ++open_;
      if (url.empty()) return route_later(std::move(queued));
      Node& to = node(url);
      to.waiting.push_back(std::move(queued));
      return to.wake.notify_one();
    }
  }
  queued.reply(given_up(queued, "More commands are waiting for other nodes than this one can carry"));
}

Forwarder::Node& Forwarder::node(const std::string& url) {
  std::unique_ptr<Node>& found = nodes_[url];
  if (!found) {
    found = std::make_unique<Node>();
    for (int i = 0; i < options_.threads_per_node; ++i)
      found->threads.emplace_back([this, &node = *found, url](const std::stop_token& stop) { serve(node, url, stop); });
  }
  return *found;
}

void Forwarder::serve(Node& node, const std::string& url, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (node.wake.wait(lock, stop, [&] { return !node.waiting.empty(); })) {
    QueuedCommand queued = std::move(node.waiting.front());
    node.waiting.pop_front();
    lock.unlock();
    attempt(node, url, std::move(queued));
    lock.lock();
  }
}

void Forwarder::attempt(Node& node, const std::string& url, QueuedCommand queued) {
  const int64_t left_ms = queued.deadline_ms - edges_.now_ms();
  if (left_ms <= 0) {
    Rejection late = given_up(queued, "The owner of its log could not be reached in time");
    return done_with(std::move(queued), std::move(late));
  }
  Peers::Answer answer = peers_.send(url, queued.command, std::min(left_ms, options_.attempt_ms));
  if (is_decided(answer.outcome)) return settle(std::move(queued), *std::move(answer.outcome));
  queued.in_doubt |= answer.may_have_acted;
  const std::lock_guard lock(mutex_);
  route_later(std::move(queued));
  if (answer.outcome) return;
  // It does not answer: nobody else shall wait for it to find that out.
  std::deque<QueuedCommand> others;
  others.swap(node.waiting);
  for (QueuedCommand& other : others) route_later(std::move(other));
}

void Forwarder::settle(QueuedCommand queued, Outcome outcome) {
  if (!outcome) return done_with(std::move(queued), std::move(outcome));
  const WantedPosition wanted{outcome.value().log, outcome.value().position};
  const int64_t deadline_ms = queued.deadline_ms;
  const auto kept = std::make_shared<std::pair<QueuedCommand, Outcome>>(std::move(queued), std::move(outcome));
  edges_.when_read({wanted, deadline_ms, [this, kept](bool) { done_with(std::move(kept->first), std::move(kept->second)); }});
}

// The lock is held.
void Forwarder::route_later(QueuedCommand queued) {
  const int64_t backoff_ms = std::min(options_.first_backoff_ms << std::min(queued.attempts++, 10), options_.last_backoff_ms);
  // Spread by the command's id, so that what failed together does not come back together.
  const auto spread_ms = static_cast<int64_t>(std::hash<std::string>()(queued.command.meta.id) % static_cast<std::size_t>(backoff_ms));
  const int64_t due_ms = std::min(edges_.now_ms() + backoff_ms / 2 + spread_ms / 2, queued.deadline_ms);
  later_.emplace(due_ms, std::move(queued));
  later_changed_.notify_one();
}

void Forwarder::return_due(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!later_changed_.wait(lock, stop, [&] { return !later_.empty(); })) return;
    later_changed_.wait_for(lock, stop, look_again, [&] { return later_.begin()->first <= edges_.now_ms(); });
    while (!later_.empty() && later_.begin()->first <= edges_.now_ms()) {
      QueuedCommand queued = std::move(later_.extract(later_.begin()).mapped());
      lock.unlock();
      if (queued.is_due(edges_.now_ms())) {
        Rejection late = given_up(queued, "No node owned its log in time");
        done_with(std::move(queued), std::move(late));
      } else {
        edges_.route(std::move(queued));
        const std::lock_guard counting(mutex_);
        --open_;
      }
      lock.lock();
    }
  }
}

void Forwarder::done_with(QueuedCommand queued, Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  queued.reply(std::move(outcome));
}

}  // namespace everfold
