// What operators ask of a Projector.
#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "kernel/ids.hpp"
#include "runtime/views/projector.hpp"
#include "runtime/views/projector_ask.hpp"
#include "schemas/operations/v1/events.pb.h"

namespace everfold {

using Kind = RebuildOrder::Kind;

// ---- the fold's side

bool Projector::wished() const {
  const std::lock_guard lock(mutex_);
  return !wishes_.empty();
}

void Projector::do_wishes() {
  for (;;) {
    std::shared_ptr<Wish> wish;
    {
      const std::lock_guard lock(mutex_);
      if (wishes_.empty()) return;
      wish = std::move(wishes_.front());
      wishes_.pop_front();
      if (wish->state == Wish::State::given_up) continue;
      wish->state = Wish::State::taken;
    }
    wish->act();
    const std::lock_guard lock(mutex_);
    wish->state = Wish::State::done;
    changed_.notify_all();
  }
}

void Projector::end_wishes() {
  const std::lock_guard lock(mutex_);
  running_ = false;
  for (const auto& wish : wishes_) wish->state = Wish::State::given_up;
  wishes_.clear();
  changed_.notify_all();
}

// ---- the others' side

// False: it was not done, and will not be.
bool Projector::wish(std::function<void()> act) {
  using State = Wish::State;
  const auto wish = std::make_shared<Wish>(Wish{std::move(act)});
  std::unique_lock lock(mutex_);
  if (!running_) return false;
  wishes_.push_back(wish);
  changed_.notify_all();
  changed_.wait_for(lock, std::chrono::milliseconds(settings_.wish_ms), [&] { return wish->state != State::waiting; });
  if (wish->state == State::waiting) wish->state = State::given_up;
  changed_.wait(lock, [&] { return wish->state != State::taken; });
  return wish->state == State::done;
}

void Projector::wait_until_live(int64_t number) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(settings_.wish_ms),
                    [&] { return generation_ == number || !running_; });
}

std::optional<Rejection> Projector::not_expected(const By& by) const {
  const int64_t live = generations_.live();
  if (!by.expected || *by.expected == live) return std::nullopt;
  return reject(Code::conflict, "View " + name_ + " is at generation " + std::to_string(live) + ", not at " +
                                    std::to_string(*by.expected) + " as expected: somebody moved it. Look again.");
}

std::optional<Rejection> Projector::something_under_way() const {
  if (!build_ && !ordered_ && reserved_ == 0) return std::nullopt;
  const int64_t number = build_ ? build_->number() : ordered_ ? ordered_->generation.number : reserved_.load();
  return reject(Code::conflict, "Generation " + std::to_string(number) + " of view " + name_ +
                                    " is being made already: wait for it, switch to it, or stop it first.");
}

RebuildOrder Projector::order_of(Kind kind, const By& by) {
  RebuildOrder order;
  order.kind = kind;
  order.actor = by.actor;
  order.correlation_id = by.correlation_id;
  order.id = derive_id(
      {"rebuild", name_, by.actor, by.correlation_id, std::to_string(ports_.wall_ms()), std::to_string(++orders_)});
  return order;
}

Decided<int64_t> Projector::order_rebuild(bool verify, bool switch_by_itself, const By& by) {
  return ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (auto no = something_under_way()) return *no;
    RebuildOrder order = order_of(Kind::rebuild, by);
    order.verify = verify;
    order.switch_by_itself = switch_by_itself;
    begin(generations_.start(std::move(order)));
    return ordered_->generation.number;
  });
}

Decided<int64_t> Projector::roll_back(const By& by) {
  const auto number = ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (auto no = something_under_way()) return *no;
    auto former = generations_.take_up_former(order_of(Kind::rollback, by));
    if (!former)
      return reject(Code::conflict, "View " + name_ +
                                        " has no former generation that this version of its code wrote: it was "
                                        "pruned, or there never was one. Rebuild the view instead.");
    begin(std::move(*former));
    return ordered_->generation.number;
  });
  if (number) wait_until_live(number.value());
  return number;
}

Decided<int64_t> Projector::switch_over(const By& by) {
  const auto number = ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (build_ && build_->ask_switch()) return build_->number();
    if (build_ || ordered_)
      return reject(Code::conflict,
                    "Generation " + std::to_string(build_ ? build_->number() : ordered_->generation.number) +
                        " of view " + name_ + " is not ready yet: it is still being folded or compared.");
    return reject(Code::conflict,
                  "View " + name_ + " has no generation that is ready to be switched to: rebuild it first.");
  });
  if (number) wait_until_live(number.value());
  return number;
}

Decided<int64_t> Projector::stop_build(const By& by) {
  return ask<int64_t>([&, this]() -> Decided<int64_t> {
    if (auto no = not_expected(by)) return *no;
    if (!live_.store)
      return reject(Code::conflict,
                    "View " + name_ + " has nothing else to be read: what is being folded cannot be stopped.");
    if (!build_ && !ordered_) return reject(Code::conflict, "Nothing is under way at view " + name_ + ".");
    const int64_t number = build_ ? build_->number() : ordered_->generation.number;
    RebuildOrder order = build_ ? build_->order() : ordered_->order;
    BuildStatus last;
    if (build_) last = build_->status();
    last.phase = RebuildSteps::Phase::stopped;
    operations::v1::RebuildFinished message;
    message.set_view(name_);
    message.set_generation(number);
    message.set_outcome(operations::v1::RebuildFinished::STOPPED);
    message.set_events(last.events);
    if (auto no = tell(message, by)) return *no;
    end_build(std::move(last));
    ordered_.reset();
    generations_.leave(number, std::move(order));
    return number;
  });
}

template <class Message>
std::optional<Rejection> Projector::set_paused(bool paused, const By& by) {
  const auto done = ask<bool>([&, this]() -> Decided<bool> {
    if (auto no = not_expected(by)) return *no;
    if (paused_ == paused) return true;
    Message message;
    message.set_view(name_);
    if (auto no = tell(message, by)) return *no;
    generations_.set_paused(paused, by.actor);
    paused_ = paused;
    return true;
  });
  if (!done) return done.error();
  return std::nullopt;
}

std::optional<Rejection> Projector::pause(const By& by) { return set_paused<operations::v1::ViewPaused>(true, by); }
std::optional<Rejection> Projector::resume(const By& by) { return set_paused<operations::v1::ViewResumed>(false, by); }

Decided<std::vector<int64_t>> Projector::prune(const By& by) {
  return ask<std::vector<int64_t>>([&, this]() -> Decided<std::vector<int64_t>> {
    if (auto no = not_expected(by)) return *no;
    if (build_ && build_->waits_for_a_word()) {  // nobody wants it
      BuildStatus last = build_->status();
      last.phase = RebuildSteps::Phase::stopped;
      end_build(std::move(last));
    }
    const int64_t building = build_ ? build_->number() : ordered_ ? ordered_->generation.number : reserved_.load();
    operations::v1::GenerationsPruned message;
    message.set_view(name_);
    for (const auto& listed : generations_.list())
      if (listed.number != generations_.live() && listed.number != building) message.add_generations(listed.number);
    if (message.generations().empty()) return std::vector<int64_t>();
    if (auto no = tell(message, by)) return *no;
    return generations_.prune(building);
  });
}

}  // namespace everfold
