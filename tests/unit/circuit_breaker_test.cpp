#include "runtime/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/backoff.hpp"

namespace everfold {
namespace {

using State = CircuitBreaker::State;

constexpr CircuitBreaker::Options options{.failures_to_open = 3, .first_pause_ms = 1'000, .max_pause_ms = 3'000};

enum class Do { succeed, fail, refused };  // what comes of a call that is made now

struct Line {
  int64_t at_ms;
  Do call;
  State then;
  int64_t wait_ms;
};

// Each table is the life of one breaker, call by call.
void live(const std::vector<Line>& lines) {
  CircuitBreaker breaker(options);
  for (const Line& line : lines) {
    SCOPED_TRACE("at " + std::to_string(line.at_ms) + " ms");
    const auto pass = breaker.enter(line.at_ms);
    ASSERT_EQ(pass.has_value(), line.call != Do::refused);
    if (line.call == Do::succeed) breaker.succeeded(*pass);
    if (line.call == Do::fail) breaker.failed(*pass, line.at_ms);
    ASSERT_EQ(breaker.state(), line.then);
    ASSERT_EQ(breaker.wait_ms(line.at_ms), line.wait_ms);
  }
}

TEST(CircuitBreaker, OpensAfterFailuresInARowOnly) {
  live({{0, Do::fail, State::closed, 0},
        {1, Do::fail, State::closed, 0},
        {2, Do::succeed, State::closed, 0},
        {3, Do::fail, State::closed, 0},
        {4, Do::fail, State::closed, 0},
        {5, Do::fail, State::open, 1'000},
        {6, Do::refused, State::open, 999},
        {1'004, Do::refused, State::open, 1}});
}

TEST(CircuitBreaker, AGoodProbeClosesIt) {
  live({{0, Do::fail, State::closed, 0},
        {0, Do::fail, State::closed, 0},
        {0, Do::fail, State::open, 1'000},
        {1'000, Do::succeed, State::closed, 0},
        {1'000, Do::fail, State::closed, 0},
        {1'000, Do::fail, State::closed, 0},
        {1'000, Do::fail, State::open, 1'000}});
}

TEST(CircuitBreaker, EachBadProbeDoublesThePauseUpToALimit) {
  live({{0, Do::fail, State::closed, 0},
        {0, Do::fail, State::closed, 0},
        {0, Do::fail, State::open, 1'000},
        {1'000, Do::fail, State::open, 2'000},
        {2'999, Do::refused, State::open, 1},
        {3'000, Do::fail, State::open, 3'000},
        {6'000, Do::fail, State::open, 3'000},
        {9'000, Do::succeed, State::closed, 0},
        {9'000, Do::fail, State::closed, 0},
        {9'000, Do::fail, State::closed, 0},
        {9'000, Do::fail, State::open, 1'000}});
}

TEST(CircuitBreaker, HalfOpenOnlyOneCallGoesOut) {
  CircuitBreaker breaker(options);
  for (int i = 0; i < 3; ++i) breaker.failed(*breaker.enter(0), 0);
  const auto probe = breaker.enter(1'000);
  ASSERT_TRUE(probe);
  EXPECT_EQ(breaker.state(), State::half_open);
  EXPECT_FALSE(breaker.enter(50'000));
  EXPECT_EQ(breaker.wait_ms(50'000), 0);
  breaker.succeeded(*probe);
  EXPECT_TRUE(breaker.enter(50'000));
}

TEST(CircuitBreaker, WhatWasSentOutBeforeItOpenedSaysNothingOfLater) {
  CircuitBreaker breaker(options);
  const auto early = breaker.enter(0), also_early = breaker.enter(0);
  for (int i = 0; i < 3; ++i) breaker.failed(*breaker.enter(0), 0);
  breaker.succeeded(*early);
  EXPECT_EQ(breaker.state(), State::open);
  const auto probe = breaker.enter(1'000);
  breaker.failed(*also_early, 1'000);
  EXPECT_EQ(breaker.state(), State::half_open);
  breaker.succeeded(*probe);
  EXPECT_EQ(breaker.state(), State::closed);
}

TEST(Backoff, IsAnywhereBelowALimitThatDoubles) {
  struct Case {
    int failures;
    double chance;
    int64_t wait_ms;
  };
  for (const auto& [failures, chance, wait_ms] : {Case{1, 0.0, 1}, Case{1, 0.5, 50}, Case{2, 0.5, 100},
                                                  Case{4, 0.99, 792}, Case{5, 0.5, 500}, Case{1'000'000, 0.5, 500}})
    EXPECT_EQ(full_jitter_ms(failures, 100, 1'000, chance), wait_ms) << failures << " failures, chance " << chance;
}

}  // namespace
}  // namespace everfold
