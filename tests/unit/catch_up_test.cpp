// Asking for everything that is in the logs by now, of a log in memory.
#include "runtime/writer/catch_up.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "runtime/log/memory_log.hpp"

namespace everfold {
namespace {

using namespace std::chrono_literals;

// Kafka is away now and then.
class AwaySource final : public LogSource {
 public:
  explicit AwaySource(std::shared_ptr<MemoryLogs> logs) : logs_(std::move(logs)) {}
  void assign(std::vector<std::pair<LogId, int64_t>> logs) override { logs_.assign(std::move(logs)); }
  std::size_t poll(int timeout_ms, const Sink& sink) override { return logs_.poll(timeout_ms, sink); }
  int64_t end_offset(const LogId& log, int timeout_ms) override { return logs_.end_offset(log, timeout_ms); }
  std::vector<WantedPosition> end_positions(int timeout_ms) override {
    if (away) throw std::runtime_error("Kafka is away");
    return logs_.end_positions(timeout_ms);
  }
  void wake() override { logs_.wake(); }

  std::atomic<bool> away{false};

 private:
  MemoryLogSource logs_;
};

class CatchUpTest : public testing::Test {
 protected:
  CatchUpTest() {
    source.assign({{{"orders", 0}, 0}, {{"carts", 1}, 0}});
    logs->append({"orders", 0}, {"o", "", {}});
    logs->append({"orders", 0}, {"o", "", {}});
  }
  std::future<bool> ask() {
    const auto told = std::make_shared<std::promise<bool>>();
    catch_up.ask([told](bool reached) { told->set_value(reached); });
    return told->get_future();
  }
  // What the writer was asked to wait for.
  ReadWait next() {
    std::unique_lock lock(mutex);
    if (!came.wait_for(lock, 10s, [this] { return !waits.empty(); })) {
      ADD_FAILURE() << "nobody asked the writer";
      return {{}, 0, [](bool) {}};
    }
    ReadWait wait = std::move(waits.front());
    waits.erase(waits.begin());
    return wait;
  }

  std::shared_ptr<MemoryLogs> logs = std::make_shared<MemoryLogs>();
  AwaySource source{logs};
  std::atomic<int64_t> now_ms{1'000};
  std::mutex mutex;
  std::condition_variable came;
  std::vector<ReadWait> waits;
  CatchUp catch_up{source,
                   {[this] { return now_ms.load(); },
                    [this](ReadWait wait) {
                      const std::lock_guard lock(mutex);
                      waits.push_back(std::move(wait));
                      came.notify_one();
                    },
                    [](std::string_view) {}},
                   500,
                   1h};
};

TEST_F(CatchUpTest, IsReachedWhenEveryLogIsReadToWhereItEnded) {
  auto told = ask();
  const ReadWait orders = next(), carts = next();
  EXPECT_EQ(orders.wanted, (WantedPosition{{"orders", 0}, 2}));
  EXPECT_EQ(carts.wanted, (WantedPosition{{"carts", 1}, 0}));
  EXPECT_EQ(orders.deadline_ms, 1'500);
  orders.then(true);
  EXPECT_EQ(told.wait_for(0s), std::future_status::timeout);
  carts.then(true);
  EXPECT_TRUE(told.get());
}

TEST_F(CatchUpTest, OneLogThatIsNotReadInTimeIsEnoughToFail) {
  auto told = ask();
  const ReadWait orders = next(), carts = next();
  orders.then(false);
  carts.then(true);
  EXPECT_FALSE(told.get());
}

TEST_F(CatchUpTest, WhoAsksLaterIsToldOfWhatCameMeanwhile) {
  auto first = ask();
  const ReadWait orders = next(), carts = next();
  logs->append({"orders", 0}, {"o", "", {}});
  auto second = ask();
  const ReadWait more_orders = next(), same_carts = next();
  EXPECT_EQ(more_orders.wanted, (WantedPosition{{"orders", 0}, 3}));
  orders.then(true);
  carts.then(true);
  EXPECT_TRUE(first.get());
  EXPECT_EQ(second.wait_for(0s), std::future_status::timeout) << "told of an end that lay before its question";
  more_orders.then(true);
  same_carts.then(true);
  EXPECT_TRUE(second.get());
}

TEST_F(CatchUpTest, IsNotReachedWhenKafkaDoesNotSayWhereTheLogsEnd) {
  source.away = true;
  EXPECT_FALSE(ask().get());
  source.away = false;
  auto told = ask();
  next().then(true);
  next().then(true);
  EXPECT_TRUE(told.get()) << "and the next one is asked again";
}

TEST_F(CatchUpTest, TellsHowOldWhatIsReadMayBe) {
  EXPECT_GT(catch_up.age_ms(), 1'000'000) << "nothing is read yet";
  auto told = ask();
  const ReadWait orders = next(), carts = next();
  now_ms += 300;
  orders.then(true);
  EXPECT_GT(catch_up.age_ms(), 1'000'000);
  carts.then(true);
  EXPECT_EQ(catch_up.age_ms(), 300) << "it counts from the question: what came after it may be missing";
  now_ms += 5'000;
  auto too_late = ask();
  next().then(false);
  next().then(true);
  EXPECT_EQ(catch_up.age_ms(), 5'300);
}

TEST_F(CatchUpTest, LooksByItself) {
  CatchUp looking{source,
                  {[this] { return now_ms.load(); },
                   [](const ReadWait& wait) { wait.then(true); },
                   [](std::string_view) {}},
                  500,
                  1ms};
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (looking.age_ms() != 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(looking.age_ms(), 0);
}

}  // namespace
}  // namespace everfold
