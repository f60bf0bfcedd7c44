#include "query-api/reads/live_views.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "kernel/check.hpp"
#include "runtime/views/view_shelf.hpp"

namespace everfold::query {
namespace {

constexpr std::chrono::seconds busy_for{1};        // after a request
constexpr std::chrono::seconds unfollowed_for{5};  // longer than this without a good catch_up: not ready

LiveViews::Clock::rep now_ticks() { return LiveViews::Clock::now().time_since_epoch().count(); }

bool older_than(LiveViews::Clock::rep then, LiveViews::Clock::duration age) {
  return LiveViews::Clock::duration(now_ticks() - then) > age;
}

// What one round needs to know of the positions, asked of the store once a log and not once a waiter.
class AppliedOffsets {
 public:
  bool include(const FollowedView& view, const WantedPositions& wanted) {
    return std::ranges::all_of(wanted, [&](const WantedPosition& position) {
      return std::ranges::find(view.contexts, position.log.context) == view.contexts.end() ||
             offset_of(view, position.log) >= position.offset;
    });
  }

 private:
  int64_t offset_of(const FollowedView& view, const LogId& log) {
    const auto [entry, is_new] = offsets_.try_emplace({&view, log}, 0);
    if (!is_new) return entry->second;
    try {
      entry->second = view.reader->position(log).offset;
    } catch (const ViewDamaged&) {  // the reader said so, and the projector hears of it: nothing is applied until it is mended
      entry->second = -1;
    }
    return entry->second;
  }

  std::map<std::pair<const FollowedView*, LogId>, int64_t> offsets_;
};

Rejection missing(const std::string& view) {
  return reject(Code::unavailable,
                "the view " + view + " is not there yet: it is being folded from the logs; try again");
}

Rejection not_applied(const std::string& view) {
  return reject(Code::unavailable, "the view " + view +
                                       " has not applied the Everfold-Position of the request in time; try again, or "
                                       "without the header for an older answer");
}

}  // namespace

LiveViews::LiveViews(std::vector<FollowedView> views, Pace pace) : pace_(pace) {
  for (auto& view : views) {
    states_.push_back(std::make_unique<State>());
    states_.back()->view = std::move(view);
  }
}

LiveViews::~LiveViews() { stop(); }

void LiveViews::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  std::move(arrivals_.begin(), arrivals_.end(), std::back_inserter(waiters_));
  arrivals_.clear();
  for (auto& waiter : std::exchange(waiters_, {}))
    waiter.then(reject(Code::unavailable, "this program is stopping; try again"));
}

void LiveViews::start() {
  for (const auto& state : states_) catch_up(*state);
  thread_ = std::thread([this] { run(); });
}

LiveViews::State& LiveViews::state_of(std::string_view view) const {
  const auto found = std::ranges::find_if(states_, [&](const auto& state) { return state->view.name == view; });
  check(found != states_.end(), "no such view is followed: " + std::string(view));
  return **found;
}

void LiveViews::when_applied(std::string_view view, const WantedPositions& wanted, Then then) {
  last_request_.store(now_ticks(), std::memory_order_relaxed);
  State& state = state_of(view);
  if (!state.live) return then(missing(state.view.name));
  if (AppliedOffsets().include(state.view, wanted)) return then(std::nullopt);
  if (waiting_count_.fetch_add(1) >= pace_.max_waiting) {
    --waiting_count_;
    return then(reject(Code::too_many_requests, "too many requests wait for a position already; try again"));
  }
  {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back({&state, wanted, Clock::now() + pace_.max_wait, std::move(then)});
  }
  changed_.notify_one();
}

std::optional<std::string> LiveViews::not_ready() const {
  for (const auto& state : states_) {
    if (!state->live) return "the view " + state->view.name + " is not there yet";
    if (older_than(state->followed_until, unfollowed_for)) {
      return "the view " + state->view.name + " cannot be followed: " + state->view.problem();
    }
  }
  return std::nullopt;
}

void LiveViews::run() {
  for (auto next_round = Clock::now();;) {
    const auto due = wait_for_work(next_round);
    if (due.empty()) return;
    next_round = Clock::now() + pause(follow_once(due));
  }
}

// Those whose turn it is: all at the end of a pause, those asked for before. None: stop.
std::vector<LiveViews::State*> LiveViews::wait_for_work(Clock::time_point next_round) {
  std::vector<State*> due;
  std::unique_lock lock(mutex_);
  const bool early = changed_.wait_until(lock, next_round, [this] { return stopping_ || !arrivals_.empty(); }) &&
                     Clock::now() < next_round;
  if (stopping_) return due;
  for (const auto& waiter : arrivals_) due.push_back(waiter.state);
  std::move(arrivals_.begin(), arrivals_.end(), std::back_inserter(waiters_));
  arrivals_.clear();
  if (early) {
    for (const auto& waiter : waiters_) due.push_back(waiter.state);
    std::ranges::sort(due);
    due.erase(std::ranges::unique(due).begin(), due.end());
    return due;
  }
  due.clear();
  for (const auto& state : states_) due.push_back(state.get());
  return due;
}

void LiveViews::catch_up(State& state) {
  state.live = state.view.catch_up();
  if (state.view.problem().empty()) state.followed_until = now_ticks();
}

bool LiveViews::follow_once(std::vector<State*> states) {
  for (auto* state : states) catch_up(*state);
  AppliedOffsets applied;
  const auto now = Clock::now();
  auto waiters = std::exchange(waiters_, {});
  for (auto& waiter : waiters) {
    std::optional<Rejection> refusal;
    if (!applied.include(waiter.state->view, waiter.wanted)) {
      if (now < waiter.deadline) {
        waiters_.push_back(std::move(waiter));
        continue;
      }
      refusal = not_applied(waiter.state->view.name);
    }
    --waiting_count_;
    waiter.then(std::move(refusal));
  }
  return !waiters_.empty();
}

std::chrono::milliseconds LiveViews::pause(bool somebody_waits) const {
  if (somebody_waits) return pace_.waiting;
  return older_than(last_request_, busy_for) ? pace_.idle : pace_.busy;
}

}  // namespace everfold::query
