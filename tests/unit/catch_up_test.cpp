// Asking for everything that is in the logs by now, of a log in memory.
#include "runtime/catch_up.hpp"

#include <gtest/gtest.h>

#include <future>

#include "runtime/memory_log.hpp"

namespace everfold {
namespace {

using namespace std::chrono_literals;

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
  MemoryLogSource source{logs};
  std::mutex mutex;
  std::condition_variable came;
  std::vector<ReadWait> waits;
  CatchUp catch_up{source,
                   {[] { return int64_t{1'000}; },
                    [this](ReadWait wait) {
                      const std::lock_guard lock(mutex);
                      waits.push_back(std::move(wait));
                      came.notify_one();
                    },
                    [](std::string_view) {}},
                   500};
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

}  // namespace
}  // namespace everfold
