// Calls to payment providers on threads of their own, so that a provider that is slow or away holds up neither the
// translator nor the other providers. For each provider:
//  - a bulkhead: so many calls at a time and no more; the others wait where they are, in the translator's backlog;
//  - a circuit breaker: after failures in a row it is left alone for a while;
//  - retries with exponential backoff and full jitter, until there is an answer: a provider's outage heals by itself.
//
// Nothing is remembered on disk. The event that causes a call is held by the translator's group until the call's answer
// has become commands in Kafka; after a crash the call is made again, with the same ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/circuit_breaker.hpp"
#include "runtime/translator.hpp"
#include "runtime/worker_pool.hpp"

namespace everfold::payment_providers {

class ProviderCalls {
 public:
  // Code::unavailable: the provider failed. Code::too_many_requests: it is well, but has no answer yet. Both: again
  // later. Any other refusal is the answer.
  using Answer = Decided<std::vector<Command>>;
  using Call = std::function<Answer()>;

  struct Options {
    std::size_t at_a_time = 16;  // calls to one provider
    CircuitBreaker::Options breaker;
    int64_t backoff_first_ms = 500;
    int64_t backoff_max_ms = 60'000;
    int64_t look_again_ms = 5;             // for the answer of a call that is out
    int64_t forgotten_after_ms = 900'000;  // what nobody asks about any more: longer than between two tries of what is parked
  };
  struct Edges {
    std::function<int64_t()> now_ms;  // monotonic; from any thread, as the others
    std::function<double()> chance;   // from [0, 1)
    std::function<void(std::string_view)> say;
  };
  struct Status {
    std::string provider;
    CircuitBreaker::State breaker;
    std::size_t out;  // calls that a provider has now
    uint64_t failures, answers;
  };

  ProviderCalls(const Options& options, Edges edges);
  ~ProviderCalls();  // waits for the calls that are out

  // Of one id only once at a time: sends the call out, or says how it stands. Its answer is given away once.
  Translator::Reacted ask(const std::string& provider, const std::string& id, Call call);

  std::vector<Status> status() const;

 private:
  struct Line;
  Line& line_of(const std::string& provider);
  Translator::Reacted send_out(Line& line, const std::string& id, Call call, int64_t now_ms);
  void answered(Line& line, const std::string& id, CircuitBreaker::Pass pass, Answer answer);
  void forget_abandoned(int64_t now_ms);

  const Options options_;
  const Edges edges_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Line>> lines_;
  int64_t next_sweep_ms_ = 0;
};

}  // namespace everfold::payment_providers
