// What a bounded context must have to live on a log: decide (may refuse) and evolve (never refuses), both pure.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold {

// The laws that every decider keeps, tested for each (tests/unit/…_decider_test.cpp):
//  - decide reads nothing but its arguments; evolve is total;
//  - a command whose effect is there already returns no events, or refuses; it never does the thing twice;
//  - a returned event, evolved, leads to a state in which it makes sense.
template <class D>
concept Decider = requires(typename D::State state, const typename D::Command& command, const typename D::Event& event) {
  { D::context } -> std::convertible_to<std::string_view>;
  { D::decide(state, command) } -> std::same_as<Decided<std::vector<typename D::Event>>>;
  { D::evolve(std::move(state), event) } -> std::same_as<typename D::State>;
  requires std::default_initializable<typename D::State>;
};

// A long-lived aggregate's state can be saved, so that loading it need not fold its whole history. `snapshot_version` names the
// code that wrote it: what another version wrote is thrown away.
template <class D>
concept Snapshotting = Decider<D> && requires(const typename D::State& state, std::string_view bytes) {
  { D::snapshot_version } -> std::convertible_to<int>;
  { D::save(state) } -> std::same_as<std::string>;
  { D::load(bytes) } -> std::same_as<std::optional<typename D::State>>;
};

// A process manager has deadlines: `timer_of` says what an event means for its aggregate's one timer, `expire` is the command that
// the host sends when it rings.
struct Timer {
  enum class Kind { keep, set, clear };
  Kind kind = Kind::keep;
  long long at_ms = 0;
};

template <class D>
concept Process = Decider<D> && requires(const typename D::Event& event) {
  { D::timer_of(event) } -> std::same_as<Timer>;
  { D::expire() } -> std::same_as<typename D::Command>;
};

}  // namespace everfold
