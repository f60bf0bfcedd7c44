// The views as this program follows them: one thread catches them all up with the projector, every few milliseconds and
// at once when a request waits for a position.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kernel/rejection.hpp"
#include "runtime/log/position_token.hpp"
#include "runtime/views/views.hpp"

namespace everfold::query {

struct FollowedView {
  std::string name;
  std::vector<std::string> contexts;  // whose logs it folds; positions in other logs say nothing about it
  std::shared_ptr<const ViewReader> reader;
  std::function<bool()> catch_up;        // to what is written by now; false: there is no live generation yet
  std::function<std::string()> problem;  // why the last catch_up could not; empty: it could
};

struct Pace {
  std::chrono::milliseconds busy{4};  // between two rounds while requests come in
  std::chrono::milliseconds idle{25};
  std::chrono::milliseconds waiting{1};  // while a request waits for a position
  std::chrono::milliseconds max_wait{5'000};
  std::size_t max_waiting = 10'000;
};

class LiveViews {
 public:
  using Clock = std::chrono::steady_clock;
  // Nothing: the view has applied what was wanted. Otherwise `unavailable` or `too_many_requests`.
  using Then = std::function<void(std::optional<Rejection>)>;

  LiveViews(std::vector<FollowedView> views, Pace pace);
  ~LiveViews();

  void start();  // catches up once, then goes on in a thread of its own
  void stop();   // ends the thread; those that wait are refused

  const ViewReader& reader(std::string_view view) const { return *state_of(view).view.reader; }
  // Calls `then` once: at once when the view has applied it, or when it is missing; else from the catch-up thread.
  void when_applied(std::string_view view, const WantedPositions& wanted, Then then);
  // Why not all views can be served; nothing: they can. Cheap.
  std::optional<std::string> not_ready() const;
  std::size_t waiting() const { return waiting_count_; }

 private:
  struct State {
    FollowedView view;
    std::atomic<bool> live{false};
    std::atomic<Clock::rep> followed_until{0};  // when catch_up last went well
  };
  struct Waiter {
    State* state;
    WantedPositions wanted;
    Clock::time_point deadline;
    Then then;
  };

  State& state_of(std::string_view view) const;
  void run();
  void catch_up(State& state);
  bool follow_once(std::vector<State*> states);  // true: somebody waits still
  std::vector<State*> wait_for_work(Clock::time_point next_round);
  std::chrono::milliseconds pause(bool somebody_waits) const;

  const Pace pace_;
  std::vector<std::unique_ptr<State>> states_;
  std::atomic<Clock::rep> last_request_{0};
  std::atomic<std::size_t> waiting_count_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiter> arrivals_;  // guarded by mutex_
  bool stopping_ = false;         // guarded by mutex_
  std::vector<Waiter> waiters_;   // the thread's own
  std::thread thread_;
};

}  // namespace everfold::query
