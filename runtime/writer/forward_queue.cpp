#include "runtime/writer/forward_queue.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace everfold {
namespace {

Rejection given_up(const QueuedCommand& queued, const char* why) {
  return queued.in_doubt ? outcome_unknown() : nothing_done(why);
}

// What is in the log stays true; all else may yet be made untrue by the copy that is out there.
void tell_only_what_was_done(QueuedCommand& queued) {
  if (std::exchange(queued.copy_is_out, true)) return;
  queued.reply = [reply = std::move(queued.reply)](Outcome outcome) {
    const bool in_the_log = outcome && !outcome.value().events.empty();
    reply(in_the_log ? std::move(outcome) : outcome_unknown());
  };
}

bool is_decided(const std::optional<Outcome>& outcome) {
  return outcome && (*outcome || outcome->error().code != Code::unavailable);
}

}  // namespace

void ForwardQueue::put(QueuedCommand queued, const std::string& url) {
  // What is sent may lie in a frozen node's socket while the command is sent again and done: whoever takes it must look
  // it up.
  queued.command.meta.fresh_id = false;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && open_ < options_.most_open) {
      ++open_;
      if (url.empty()) return route_later(std::move(queued));
      waiting_[url].push_back(std::move(queued));
      return;
    }
  }
  queued.reply(given_up(queued, "More commands are waiting for other nodes than this one can carry"));
}

std::optional<ForwardQueue::Attempt> ForwardQueue::next(const std::string& url) {
  std::unique_lock lock(mutex_);
  for (std::deque<QueuedCommand>& waiting = waiting_[url]; !waiting.empty();) {
    QueuedCommand queued = std::move(waiting.front());
    waiting.pop_front();
    if (const int64_t left_ms = queued.deadline_ms - edges_.now_ms(); left_ms > 0)
      return Attempt{std::move(queued), std::min(left_ms, options_.attempt_ms)};
    lock.unlock();
    Rejection late = given_up(queued, "The owner of its log could not be reached in time");
    done_with(std::move(queued), std::move(late));
    lock.lock();
  }
  return std::nullopt;
}

void ForwardQueue::conclude(const std::string& url, QueuedCommand queued, PeerAnswer answer) {
  if (is_decided(answer.outcome)) return settle(std::move(queued), *std::move(answer.outcome));
  queued.in_doubt |= answer.may_have_acted;
  if (!answer.outcome && answer.may_have_acted) tell_only_what_was_done(queued);
  const std::lock_guard lock(mutex_);
  route_later(std::move(queued));
  if (answer.outcome) return;
  // It does not answer: nobody else shall wait for it to find that out.
  std::deque<QueuedCommand> others;
  others.swap(waiting_[url]);
  for (QueuedCommand& other : others) route_later(std::move(other));
}

void ForwardQueue::settle(QueuedCommand queued, Outcome outcome) {
  if (!outcome) return done_with(std::move(queued), std::move(outcome));
  const WantedPosition wanted{outcome.value().log, outcome.value().position};
  const int64_t deadline_ms = queued.deadline_ms;
  const auto kept = std::make_shared<std::pair<QueuedCommand, Outcome>>(std::move(queued), std::move(outcome));
  edges_.when_read(
      {wanted, deadline_ms, [this, kept](bool) { done_with(std::move(kept->first), std::move(kept->second)); }});
}

// The lock is held.
void ForwardQueue::route_later(QueuedCommand queued) {
  const int64_t backoff_ms =
      std::min(options_.first_backoff_ms << std::min(queued.attempts++, 10), options_.last_backoff_ms);
  // Spread by the command's id, so that what failed together does not come back together.
  const auto spread_ms =
      static_cast<int64_t>(std::hash<std::string>()(queued.command.meta.id) % static_cast<std::size_t>(backoff_ms));
  const int64_t due_ms = std::min(edges_.now_ms() + backoff_ms / 2 + spread_ms / 2, queued.deadline_ms);
  later_.emplace(due_ms, std::move(queued));
}

void ForwardQueue::route_due() {
  std::unique_lock lock(mutex_);
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

void ForwardQueue::close() {
  std::deque<QueuedCommand> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [url, waiting] : waiting_) std::ranges::move(std::exchange(waiting, {}), std::back_inserter(left));
    for (auto& [due_ms, queued] : std::exchange(later_, {})) left.push_back(std::move(queued));
  }
  for (QueuedCommand& queued : left) {
    Rejection stopping = given_up(queued, "This node is stopping");
    done_with(std::move(queued), std::move(stopping));
  }
}

void ForwardQueue::done_with(QueuedCommand queued, Outcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  queued.reply(std::move(outcome));
}

bool ForwardQueue::waits_for(const std::string& url) const {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(url);
  return found != waiting_.end() && !found->second.empty();
}

bool ForwardQueue::waits_to_be_routed() const {
  const std::lock_guard lock(mutex_);
  return !later_.empty();
}

std::size_t ForwardQueue::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace everfold
