// A decider as the writer sees it: without its types. One line makes one: host<Orders>().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/check.hpp"
#include "kernel/codec.hpp"
#include "kernel/decider.hpp"

namespace everfold {

class HostedContext {
 public:
  class State {
   public:
    virtual ~State() = default;
  };

  virtual ~HostedContext() = default;
  virtual std::string_view name() const = 0;
  virtual std::unique_ptr<State> fresh() const = 0;
  virtual bool can_read(std::string_view command_type, std::string_view bytes) const = 0;
  // Decides on `state` and, unless it refuses, evolves it by the events that it returns. An event of more than `max_event_bytes`,
  // which Kafka would not take, is a refusal.
  virtual Decided<std::vector<Encoded>> decide(State& state, std::string_view type, std::string_view bytes,
                                               std::size_t max_event_bytes) const = 0;
  // False: an event that this code does not know. History must not be folded with holes: the state is of no use then.
  virtual bool evolve(State& state, std::string_view type, std::string_view bytes) const = 0;

  virtual std::optional<int> snapshot_version() const = 0;  // nothing: no snapshots
  virtual std::string save(const State& state) const = 0;
  virtual std::unique_ptr<State> load(std::string_view bytes) const = 0;  // null: not readable

  // Of an event that this code does not know: keep.
  virtual Timer timer_of(std::string_view type, std::string_view bytes) const = 0;
  virtual std::optional<Encoded> expire() const = 0;
};

namespace detail {

template <Decider D>
class Hosted final : public HostedContext {
  struct Holder final : State {
    typename D::State state;
  };
  static Holder& of(State& state) { return static_cast<Holder&>(state); }

 public:
  std::string_view name() const override { return D::context; }
  std::unique_ptr<State> fresh() const override { return std::make_unique<Holder>(); }

  bool can_read(std::string_view command_type, std::string_view bytes) const override {
    return everfold::decode<typename D::Command>(command_type, bytes).has_value();
  }

  Decided<std::vector<Encoded>> decide(State& state, std::string_view type, std::string_view bytes,
                                       std::size_t max_event_bytes) const override {
    const auto command = everfold::decode<typename D::Command>(type, bytes);
    if (!command) return reject(Code::validation_failed, "this context has no command " + std::string(type) + " with such a body");
    auto decided = D::decide(of(state).state, *command);
    if (!decided) return std::move(decided).error();
    std::vector<Encoded> events;
    for (const auto& event : decided.value()) {
      events.push_back(encode(event));
      if (events.back().bytes.size() > max_event_bytes)
        return reject(Code::body_too_large, "The command would write an event of " + std::to_string(events.back().bytes.size()) +
                                                " bytes; at most " + std::to_string(max_event_bytes) + " are possible. Split it.");
    }
    for (const auto& event : decided.value()) of(state).state = D::evolve(std::move(of(state).state), event);
    return events;
  }

  bool evolve(State& state, std::string_view type, std::string_view bytes) const override {
    const auto event = everfold::decode<typename D::Event>(type, bytes);
    if (event) of(state).state = D::evolve(std::move(of(state).state), *event);
    return event.has_value();
  }

  std::optional<int> snapshot_version() const override {
    if constexpr (Snapshotting<D>) return D::snapshot_version;
    else return std::nullopt;
  }
  std::string save(const State& state) const override {
    if constexpr (Snapshotting<D>) return D::save(static_cast<const Holder&>(state).state);
    else fail("a context without snapshots was asked for one");
  }
  std::unique_ptr<State> load(std::string_view bytes) const override {
    if constexpr (Snapshotting<D>) {
      if (auto state = D::load(bytes)) {
        auto holder = std::make_unique<Holder>();
        holder->state = std::move(*state);
        return holder;
      }
    }
    return nullptr;
  }

  Timer timer_of(std::string_view type, std::string_view bytes) const override {
    if constexpr (Process<D>)
      if (const auto event = everfold::decode<typename D::Event>(type, bytes)) return D::timer_of(*event);
    return {};
  }
  std::optional<Encoded> expire() const override {
    if constexpr (Process<D>) return encode(D::expire());
    else return std::nullopt;
  }
};

}  // namespace detail

template <Decider D>
std::unique_ptr<HostedContext> host() {
  return std::make_unique<detail::Hosted<D>>();
}

}  // namespace everfold
