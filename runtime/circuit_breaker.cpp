#include "runtime/circuit_breaker.hpp"

#include <algorithm>

namespace everfold {

std::optional<CircuitBreaker::Pass> CircuitBreaker::enter(int64_t now_ms) {
  if (state_ == State::open && now_ms >= open_until_ms_) become(State::half_open);
  if (state_ == State::open || probing_) return std::nullopt;
  probing_ = state_ == State::half_open;
  return Pass{period_};
}

void CircuitBreaker::succeeded(Pass pass) {
  if (pass.period != period_) return;
  failures_ = 0;
  if (state_ == State::closed) return;
  pauses_ = 0;
  become(State::closed);
}

void CircuitBreaker::failed(Pass pass, int64_t now_ms) {
  if (pass.period != period_) return;
  if (state_ == State::half_open || ++failures_ >= options_.failures_to_open) open(now_ms);
}

int64_t CircuitBreaker::wait_ms(int64_t now_ms) const {
  return state_ == State::open ? std::max<int64_t>(0, open_until_ms_ - now_ms) : 0;
}

void CircuitBreaker::become(State state) {
  state_ = state;
  ++period_;
  failures_ = 0;
  probing_ = false;
}

void CircuitBreaker::open(int64_t now_ms) {
  become(State::open);
  open_until_ms_ = now_ms + std::min(options_.max_pause_ms, options_.first_pause_ms << std::min(pauses_++, 30));
}

}  // namespace everfold
