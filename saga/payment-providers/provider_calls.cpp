#include "saga/payment-providers/provider_calls.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "kernel/check.hpp"
#include "runtime/backoff.hpp"

namespace everfold::payment_providers {
namespace {

constexpr int64_t when_full_ms = 100;
constexpr int64_t when_probing_ms = 1'000;
constexpr int64_t sweep_every_ms = 10'000;

const char* name_of(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::closed:
      return "answers again";
    case CircuitBreaker::State::open:
      return "fails again and again and is left alone for a while";
    case CircuitBreaker::State::half_open:
      return "is tried with one call";
  }
  return "";
}

ProviderCalls::Answer made(const ProviderCalls::Call& call) {
  try {
    return call();
  } catch (const std::exception& bug) {
    return reject(Code::unavailable, std::string("the call threw: ") + bug.what());
  }
}

bool again_later(const Rejection& why) { return why.code == Code::unavailable || why.code == Code::too_many_requests; }

}  // namespace

struct ProviderCalls::Line {
  struct Entry {
    bool out = false;
    std::optional<Answer> answer;
    int tries = 0;
    int64_t next_try_ms = 0;
    int64_t asked_ms = 0;
  };

  Line(std::string given, const Options& options)
      : provider(std::move(given)),
        breaker(options.breaker),
        pool(static_cast<int>(options.at_a_time), options.at_a_time) {}

  const std::string provider;
  CircuitBreaker breaker;
  std::map<std::string, Entry> entries;
  std::size_t out = 0;  // of the entries
  uint64_t failures = 0, answers = 0;
  WorkerPool pool;  // last: its threads are gone before the rest is
};

ProviderCalls::ProviderCalls(const Options& options, Edges edges) : options_(options), edges_(std::move(edges)) {}
ProviderCalls::~ProviderCalls() = default;

ProviderCalls::Line& ProviderCalls::line_of(const std::string& provider) {
  auto& line = lines_[provider];
  if (!line) line = std::make_unique<Line>(provider, options_);
  return *line;
}

Translator::Reacted ProviderCalls::ask(const std::string& provider, const std::string& id, Call call) {
  const std::lock_guard lock(mutex_);
  const int64_t now = edges_.now_ms();
  forget_abandoned(now);
  Line& line = line_of(provider);
  if (const auto found = line.entries.find(id); found != line.entries.end()) {
    Line::Entry& entry = found->second;
    entry.asked_ms = now;
    if (entry.out) return Translator::Later{options_.look_again_ms};
    if (entry.answer) {
      Answer answer = std::move(*entry.answer);
      line.entries.erase(found);
      return {std::move(answer)};
    }
    if (now < entry.next_try_ms) return Translator::Later{entry.next_try_ms - now};
  }
  return send_out(line, id, std::move(call), now);
}

Translator::Reacted ProviderCalls::send_out(Line& line, const std::string& id, Call call, int64_t now_ms) {
  if (line.out >= options_.at_a_time) return Translator::Later{when_full_ms};
  const auto pass = line.breaker.enter(now_ms);
  if (!pass) return Translator::Later{std::max(when_probing_ms, line.breaker.wait_ms(now_ms))};
  Line::Entry& entry = line.entries[id];
  entry.out = true;
  entry.asked_ms = now_ms;
  ++line.out;
  const bool taken = line.pool.submit(
      [this, &line, id, pass = *pass, call = std::move(call)] { answered(line, id, pass, made(call)); });
  check(taken, "a pool has no room for a call that was counted");
  return Translator::Later{options_.look_again_ms};
}

void ProviderCalls::answered(Line& line, const std::string& id, CircuitBreaker::Pass pass, Answer answer) {
  const std::lock_guard lock(mutex_);
  const int64_t now = edges_.now_ms();
  const auto before = line.breaker.state();
  const bool failed = !answer && answer.error().code == Code::unavailable;
  if (failed)
    line.breaker.failed(pass, now);
  else
    line.breaker.succeeded(pass);
  if (const auto state = line.breaker.state(); state != before)
    edges_.say("payment provider " + line.provider + " " + name_of(state) +
               (failed ? ": " + answer.error().message : ""));
  Line::Entry& entry = line.entries[id];
  entry.out = false;
  --line.out;
  if (!answer && again_later(answer.error())) {
    ++line.failures;
    entry.next_try_ms =
        now + full_jitter_ms(++entry.tries, options_.backoff_first_ms, options_.backoff_max_ms, edges_.chance());
  } else {
    ++line.answers;
    entry.answer = std::move(answer);
  }
}

void ProviderCalls::forget_abandoned(int64_t now_ms) {
  if (now_ms < next_sweep_ms_) return;
  next_sweep_ms_ = now_ms + sweep_every_ms;
  for (const auto& [provider, line] : lines_)
    std::erase_if(line->entries, [&](const auto& entry) {
      return !entry.second.out && now_ms - entry.second.asked_ms > options_.forgotten_after_ms;
    });
}

std::vector<ProviderCalls::Status> ProviderCalls::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<Status> all;
  for (const auto& [provider, line] : lines_)
    all.push_back({provider, line->breaker.state(), line->out, line->failures, line->answers});
  return all;
}

}  // namespace everfold::payment_providers
