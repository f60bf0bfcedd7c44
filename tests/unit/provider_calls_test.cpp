// Calls to payment providers: slow ones, failing ones, and what the translator sees of them.
#include "saga/payment-providers/provider_calls.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "saga/payment-providers/payment_gateway.hpp"
#include "saga/payment-providers/sandbox.hpp"
#include "tests/messages.hpp"

namespace everfold::payment_providers {
namespace {

using testing::make;

using Reacted = Translator::Reacted;

ProviderCalls::Answer yes(const std::string& id) {
  Command command;
  command.meta.id = id;
  return std::vector<Command>{std::move(command)};
}

class Calls : public ::testing::Test {
 protected:
  // As the translator does: asks again and again, here until there is an answer.
  Reacted answer_of(const std::string& provider, const std::string& id, const ProviderCalls::Call& call) {
    Reacted reacted = calls_.ask(provider, id, call);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::holds_alternative<Translator::Later>(reacted) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      reacted = calls_.ask(provider, id, call);
    }
    return reacted;
  }
  // Makes the call, and asks no more before it is over.
  void fail(const std::string& provider, const std::string& id, Code code = Code::unavailable) {
    const uint64_t before = status(provider).failures;
    const Reacted reacted = calls_.ask(provider, id, [code] { return reject(code, "timed out"); });
    ASSERT_TRUE(std::holds_alternative<Translator::Later>(reacted));
    await([&] { return status(provider).failures > before; });
  }
  ProviderCalls::Status status(const std::string& provider) const {
    for (auto& line : calls_.status())
      if (line.provider == provider) return line;
    return {provider, CircuitBreaker::State::closed, 0, 0, 0};
  }
  static void await(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    ASSERT_TRUE(holds());
  }
  static int64_t later(const Reacted& reacted) {
    const auto* later = std::get_if<Translator::Later>(&reacted);
    return later ? later->ask_again_ms : -1;
  }
  static std::string id_of(const Reacted& reacted) {
    const auto* commands = std::get_if<std::vector<Command>>(&reacted);
    return commands && commands->size() == 1 ? commands->front().meta.id : "";
  }

  std::atomic<int64_t> now_ms_{1'000'000};
  std::atomic<double> chance_{0.5};
  std::mutex mutex_;
  std::vector<std::string> said_;
  const ProviderCalls::Options options_{
      .at_a_time = 2,
      .breaker = {.failures_to_open = 3, .first_pause_ms = 1'000, .max_pause_ms = 8'000},
      .backoff_first_ms = 200,
      .backoff_max_ms = 1'000};
  ProviderCalls calls_{options_,
                       {[this] { return now_ms_.load(); }, [this] { return chance_.load(); },
                        [this](std::string_view what) {
                          const std::lock_guard lock(mutex_);
                          said_.emplace_back(what);
                        }}};
};

TEST_F(Calls, AnAnswerIsGivenAwayOnce) {
  std::atomic<int> made = 0;
  const auto call = [&] { return ++made, yes("done"); };
  EXPECT_EQ(id_of(answer_of("bank", "e", call)), "done");
  EXPECT_EQ(made, 1);
  EXPECT_EQ(id_of(answer_of("bank", "e", call)), "done")
      << "asked anew (its commands were not acknowledged), called anew";
  EXPECT_EQ(made, 2);
}

TEST_F(Calls, ARefusalThatStandsIsAnAnswer) {
  const Reacted reacted = answer_of("bank", "e", [] { return reject(Code::internal, "not configured"); });
  ASSERT_TRUE(std::holds_alternative<Rejection>(reacted));
  EXPECT_EQ(std::get<Rejection>(reacted).message, "not configured");
  EXPECT_EQ(status("bank").breaker, CircuitBreaker::State::closed);
}

TEST_F(Calls, ASlowProviderHoldsUpNeitherWhoAsksNorTheOthers) {
  std::latch release(1);
  std::atomic<int> out = 0;
  const auto slow = [&] { return ++out, release.wait(), yes("slow"); };
  EXPECT_EQ(later(calls_.ask("slow bank", "1", slow)), options_.look_again_ms);
  EXPECT_EQ(later(calls_.ask("slow bank", "2", slow)), options_.look_again_ms);
  await([&] { return out == 2; });
  EXPECT_GT(later(calls_.ask("slow bank", "3", slow)), options_.look_again_ms) << "two at a time";
  EXPECT_EQ(later(calls_.ask("slow bank", "1", slow)), options_.look_again_ms) << "it is out already";
  EXPECT_EQ(id_of(answer_of("bank", "4", [] { return yes("quick"); })), "quick");
  EXPECT_EQ(status("slow bank").out, 2u);
  EXPECT_EQ(out, 2);
  release.count_down();
  for (const char* id : {"1", "2", "3"}) EXPECT_EQ(id_of(answer_of("slow bank", id, slow)), "slow");
  EXPECT_EQ(out, 3);
}

TEST_F(Calls, FailuresAreRetriedWithBackoffAndJitter) {
  fail("bank", "e");
  EXPECT_EQ(later(calls_.ask("bank", "e", [] { return yes("too early"); })), 100) << "half of 200";
  now_ms_ += 99;
  EXPECT_EQ(later(calls_.ask("bank", "e", [] { return yes("too early"); })), 1);
  now_ms_ += 1;
  chance_ = 0.25;
  fail("bank", "e");
  EXPECT_EQ(later(calls_.ask("bank", "e", [] { return yes("too early"); })), 100) << "a quarter of 400";
  now_ms_ += 100;
  EXPECT_EQ(id_of(answer_of("bank", "e", [] { return yes("at last"); })), "at last");
}

TEST_F(Calls, WhoFailsAgainAndAgainIsLeftAlone) {
  for (const char* id : {"1", "2", "3"}) fail("bank", id);
  EXPECT_EQ(status("bank").breaker, CircuitBreaker::State::open);
  ASSERT_EQ(said_,
            (std::vector<std::string>{"payment provider bank fails again and again and is left alone for a while: "
                                      "timed out"}));
  EXPECT_EQ(later(calls_.ask("bank", "4", [] { return yes("4"); })), 1'000);
  now_ms_ += 1'000;
  EXPECT_EQ(id_of(answer_of("bank", "4", [] { return yes("4"); })), "4");
  EXPECT_EQ(status("bank").breaker, CircuitBreaker::State::closed);
  EXPECT_EQ(said_.back(), "payment provider bank answers again");
  EXPECT_EQ(id_of(answer_of("bank", "1", [] { return yes("1"); })), "1");
}

TEST_F(Calls, NotYetIsNoFailureOfTheProvider) {
  for (const char* id : {"1", "2", "3", "4"}) fail("bank", id, Code::too_many_requests);
  EXPECT_EQ(status("bank").breaker, CircuitBreaker::State::closed);
}

TEST_F(Calls, ACallThatThrowsIsAFailure) {
  const auto call = []() -> ProviderCalls::Answer { throw std::runtime_error("a bug"); };
  EXPECT_GT(later(calls_.ask("bank", "1", call)), 0);
  await([&] { return status("bank").failures == 1; });
}

// ---- the gateway with them

struct Blocking : Sandbox {
  bool calls_out() const override { return true; }
  ChargeOutcome charge(const ChargeRequest& request) override {
    release.wait();
    return Sandbox::charge(request);
  }
  std::latch release{1};
};

TEST_F(Calls, TheGatewayAsksOnlyThoseWhoCallOut) {
  auto owned = std::make_unique<Blocking>();
  Blocking& blocking = *owned;
  Registry registry;
  registry.add("bank", std::move(owned));
  registry.add(Sandbox::name, std::make_unique<Sandbox>());
  const PaymentGateway gateway(registry, "");
  const auto requested = [](const std::string& provider) {
    Encoded encoded = encode(payments::Event(make<payments::v1::PaymentRequested>(
        "order_id: 'o' amount { amount: 1 currency: 'USD' } method: 'approve' provider: '" + provider + "'")));
    StoredEvent event;
    event.meta.id = provider + ".1";
    event.meta.type = std::move(encoded.type);
    event.meta.context = "payments";
    event.meta.aggregate_id = "p";
    event.bytes = std::move(encoded.bytes);
    return event;
  };
  EXPECT_EQ(later(gateway.react(requested("bank"), calls_)), options_.look_again_ms) << "and did not wait";
  EXPECT_NE(id_of(gateway.react(requested("sandbox"), calls_)), "");
  EXPECT_NE(id_of(gateway.react(requested("unknown"), calls_)), "") << "declined";
  blocking.release.count_down();
  Reacted reacted = gateway.react(requested("bank"), calls_);
  await([&] {
    if (later(reacted) >= 0) reacted = gateway.react(requested("bank"), calls_);
    return later(reacted) < 0;
  });
  EXPECT_NE(id_of(reacted), "");
}

}  // namespace
}  // namespace everfold::payment_providers
