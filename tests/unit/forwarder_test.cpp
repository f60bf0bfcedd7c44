// The forwarder between a writer and other nodes that answer, refuse, hang or are gone; with real threads and every wait bounded.
#include "runtime/writer/forwarder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

namespace everfold {
namespace {

using namespace std::chrono_literals;

Command command(const std::string& id) {
  Command made;
  made.meta.id = id;
  made.meta.fresh_id = true;
  return made;
}

CommandDone done_at(int64_t position) {
  CommandDone done;
  done.log = {"orders", 1};
  done.position = position;
  done.events.emplace_back();
  return done;
}

Peers::Answer says(CommandDone done) {
  Peers::Answer answer;
  answer.outcome.emplace(std::move(done));
  return answer;
}
Peers::Answer refuses(Code code) {
  Peers::Answer answer;
  answer.outcome.emplace(reject(code, "no"));
  return answer;
}

// Other nodes, by what they do with a command.
class FakePeers final : public Peers {
 public:
  using Node = std::function<Answer(const Command&)>;
  void put(const std::string& url, Node node) {
    const std::lock_guard lock(mutex_);
    nodes_[url] = std::move(node);
  }
  Answer send(const std::string& url, const Command& command, int64_t) override {
    Node node;
    {
      const std::lock_guard lock(mutex_);
      sent.push_back(command);
      if (const auto at = nodes_.find(url); at != nodes_.end()) node = at->second;
    }
    return node ? node(command) : Answer{std::nullopt, false};
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return sent.size();
  }
  std::vector<Command> sent;

 private:
  std::mutex mutex_;
  std::map<std::string, Node> nodes_;
};

class ForwarderTest : public testing::Test {
 protected:
  // As a writer that knows the owner by now would.
  Forwarder::Edges edges() {
    return {[this] { return now_ms.load(); },
            [this](QueuedCommand queued) {
              ++routed;
              forwarder->forward(std::move(queued), owner());
            },
            [this](ReadWait wait) {
              if (wait.wanted.offset <= read_to) return wait.then(true);
              const std::lock_guard lock(mutex);
              unread = std::move(wait);
            }};
  }
  bool waits_to_read() {
    const std::lock_guard lock(mutex);
    return unread.has_value();
  }
  std::string owner() {
    const std::lock_guard lock(mutex);
    return owner_url;
  }
  void owner_is(const std::string& url) {
    const std::lock_guard lock(mutex);
    owner_url = url;
  }
  std::future<Outcome> forward(const std::string& id) {
    const auto promise = std::make_shared<std::promise<Outcome>>();
    QueuedCommand queued{command(id), [promise](Outcome outcome) { promise->set_value(std::move(outcome)); }, now_ms + 10'000};
    forwarder->forward(std::move(queued), owner());
    return promise->get_future();
  }
  static Outcome answer(std::future<Outcome>& future) {
    if (future.wait_for(10s) != std::future_status::ready) return reject(Code::internal, "no answer in 10 s");
    return future.get();
  }
  template <class Condition>
  static bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition())
      if (std::chrono::steady_clock::now() > deadline) return false;
      else std::this_thread::sleep_for(1ms);
    return true;
  }

  std::atomic<int64_t> now_ms{1'000'000};
  std::atomic<int> routed{0};
  std::atomic<int64_t> read_to{1'000};
  std::mutex mutex;
  std::string owner_url = "a";
  std::optional<ReadWait> unread;
  FakePeers peers;
  std::unique_ptr<Forwarder> forwarder = std::make_unique<Forwarder>(peers, edges(), Forwarder::Options{2, {8, 3'000, 1, 2}});
};

TEST_F(ForwarderTest, TheOwnersAnswerIsPassedOn) {
  peers.put("a", [](const Command&) { return says(done_at(7)); });
  auto future = forward("c1");
  const Outcome outcome = answer(future);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome.value().position, 7);
  peers.put("a", [](const Command&) { return refuses(Code::insufficient_stock); });
  auto refused = forward("c2");
  EXPECT_EQ(answer(refused).error().code, Code::insufficient_stock);
}

TEST_F(ForwarderTest, DoneIsToldOnceThisNodeHasReadIt) {
  peers.put("a", [](const Command&) { return says(done_at(2'000)); });
  auto future = forward("c1");
  ASSERT_TRUE(until([&] { return waits_to_read(); }));
  EXPECT_EQ(future.wait_for(0s), std::future_status::timeout) << "told before a look-up here would find it";
  unread->then(true);
  EXPECT_TRUE(answer(future));
}

TEST_F(ForwarderTest, WhatDoesNotGetThereIsRoutedAgainByTheSameIdUntilItDoes) {
  auto future = forward("c1");  // "a" is gone
  ASSERT_TRUE(until([&] { now_ms += 1; return peers.count() >= 3; }));
  peers.put("b", [](const Command&) { return says(done_at(7)); });
  owner_is("b");
  ASSERT_TRUE(until([&] { now_ms += 1; return future.wait_for(0s) == std::future_status::ready; }));
  EXPECT_TRUE(answer(future));
  for (const Command& sent : peers.sent) {
    EXPECT_EQ(sent.meta.id, "c1");
    EXPECT_FALSE(sent.meta.fresh_id) << "an attempt that arrives late must not be taken for one that nobody sent before";
  }
}

TEST_F(ForwarderTest, AtTheDeadlineItSaysWhetherSomethingMayHaveBeenDone) {
  auto never_there = forward("c1");
  ASSERT_TRUE(until([&] { now_ms += 1; return peers.count() >= 2; }));
  now_ms += 10'000;
  EXPECT_EQ(answer(never_there).error().message.find("Nothing was done") != std::string::npos, true);

  peers.put("a", [](const Command&) { return Peers::Answer{std::nullopt, true}; });
  auto unknown = forward("c2");
  ASSERT_TRUE(until([&] { return peers.count() >= 4; }));
  now_ms += 10'000;
  EXPECT_NE(answer(unknown).error().message.find("not known yet"), std::string::npos);
}

// The copy that "a" has may be done when "a" owns the log again: "no" would not stay true.
TEST_F(ForwarderTest, AfterAnAttemptThatNobodyAnsweredOnlyWhatIsInTheLogIsCertain) {
  const auto after_silence = [this](const std::string& id, FakePeers::Node says_b) {
    peers.put("a", [this](const Command&) {
      owner_is("b");
      return Peers::Answer{std::nullopt, true};
    });
    peers.put("b", std::move(says_b));
    owner_is("a");
    auto future = forward(id);
    EXPECT_TRUE(until([&] { now_ms += 1; return future.wait_for(0s) == std::future_status::ready; }));
    return answer(future);
  };
  const Outcome refused = after_silence("c1", [](const Command&) { return refuses(Code::insufficient_stock); });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("not known yet"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(after_silence("c2", [](const Command&) { return says(done_at(7)); }));
  EXPECT_FALSE(after_silence("c3", [](const Command&) {
    CommandDone done = done_at(7);
    done.events.clear();
    return says(std::move(done));
  })) << "there is nothing to do now, but later there may be";
}

TEST_F(ForwarderTest, NobodyWaitsForANodeThatDoesNotAnswer) {
  std::promise<void> hang;
  const auto released = hang.get_future().share();
  peers.put("a", [released](const Command&) {
    released.wait();
    return Peers::Answer{std::nullopt, true};
  });
  peers.put("b", [](const Command&) { return says(done_at(7)); });
  std::vector<std::future<Outcome>> stuck;
  for (int i = 0; i < 5; ++i) stuck.push_back(forward("c" + std::to_string(i)));  // both threads for "a", and a queue
  ASSERT_TRUE(until([&] { return peers.count() == 2; }));
  owner_is("b");
  auto other = forward("for b");
  EXPECT_TRUE(answer(other)) << "a node that hangs holds up what is for another";
  hang.set_value();
  for (auto& future : stuck) {
    ASSERT_TRUE(until([&] { now_ms += 1; return future.wait_for(0s) == std::future_status::ready; }));
    EXPECT_TRUE(answer(future));
  }
  EXPECT_LE(peers.count(), 2u + 1u + 5u + 2u) << "what waited for the one that hung was sent there all the same";
}

TEST_F(ForwarderTest, ItTakesNoMoreThanItCanCarryAndAnswersWhatIsLeft) {
  owner_is("");  // nobody is known
  std::vector<std::future<Outcome>> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(forward("c" + std::to_string(i)));
  auto refused = forward("one too many");
  EXPECT_EQ(answer(refused).error().code, Code::unavailable);
  forwarder->stop();
  for (auto& future : waiting) EXPECT_EQ(answer(future).error().code, Code::unavailable);
  auto late = forward("late");
  EXPECT_EQ(answer(late).error().code, Code::unavailable);
}

// The same without threads.
class ForwardQueueTest : public testing::Test {
 protected:
  void put(const std::string& id, const std::string& url) {
    queue.put({command(id), [this](Outcome outcome) { heard.push_back(std::move(outcome)); }, now_ms + 100}, url);
  }

  int64_t now_ms = 1'000'000;
  std::vector<Outcome> heard;
  std::vector<QueuedCommand> routed;
  ForwardQueue queue{{[this] { return now_ms; }, [this](QueuedCommand queued) { routed.push_back(std::move(queued)); },
                      [](const ReadWait& wait) { wait.then(true); }},
                     {.most_open = 2, .attempt_ms = 30, .first_backoff_ms = 10, .last_backoff_ms = 10}};
};

TEST_F(ForwardQueueTest, WhatHasWaitedTooLongToBeSentIsAnswered) {
  put("c1", "a");
  now_ms += 80;
  put("c2", "a");
  now_ms += 20;
  const auto attempt = queue.next("a");
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->queued.command.meta.id, "c2");
  EXPECT_EQ(attempt->timeout_ms, 30);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_NE(heard[0].error().message.find("Nothing was done"), std::string::npos);
}

TEST_F(ForwardQueueTest, WhatHasLeftItMakesRoom) {
  for (int round = 0; round < 3; ++round) {
    put("done", "a");
    put("routed again", "");
    EXPECT_EQ(queue.open(), 2u);
    auto attempt = queue.next("a");
    ASSERT_TRUE(attempt);
    queue.conclude("a", std::move(attempt->queued), says(done_at(7)));
    now_ms += 10;
    queue.route_due();
    EXPECT_EQ(queue.open(), 0u);
  }
  EXPECT_EQ(heard.size(), 3u);
  EXPECT_EQ(routed.size(), 3u);
}

}  // namespace
}  // namespace everfold
