// A disk that is full, played by a limit on the size of files: the index ends its program with a sentence and is whole at
// the next start; a projector waits and goes on by itself.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "platform/rocksdb/event_index.hpp"
#include "platform/rocksdb/room.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "projections/inventory/stock.hpp"
#include "runtime/log/memory_log.hpp"
#include "runtime/views/folded_view.hpp"
#include "runtime/views/projector.hpp"
#include "tests/contract/temporary_folder.hpp"
#include "tests/messages.hpp"
#include "tests/written_log.hpp"

namespace everfold {
namespace {

using inventory::Stock;
using testing::make;

const LogId log0{"inventory", 0};

class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    limit(bytes);
  }
  ~FullDisk() { limit(RLIM_INFINITY); }

 private:
  static void limit(rlim_t bytes) {
    rlimit now{};
    getrlimit(RLIMIT_FSIZE, &now);
    now.rlim_cur = std::min(bytes, now.rlim_max);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &now), 0);
  }
};

IndexBatch events(int64_t number) {
  StoredEvent event;
  const std::string command = "command-" + std::to_string(number);
  event.meta = {command + ".1", "type", "inventory", "sku", number + 1, 1700, "", command, "", ""};
  std::mt19937_64 random(static_cast<uint64_t>(number));
  for (int i = 0; i < 4'000; ++i) event.bytes += static_cast<char>(random());
  event.offset = number;
  return {{event}, {{log0, {number + 1, 1, number + 2}}}, {}, {}};
}

// The program that dies is this one, started again: its folder is named by the first.
TEST(FullDiskTest, AnIndexEndsItsProgramAndGoesOnWhenThereIsRoom) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* given = std::getenv("EVERFOLD_FULL_DISK_TEST");
  const testing::TemporaryFolder folder;
  const std::string directory = given ? given : folder.path() + "/index";
  setenv("EVERFOLD_FULL_DISK_TEST", directory.c_str(), 1);
  const auto say = [](std::string_view sentence) { ADD_FAILURE() << sentence; };
  const rocks::IndexMemory small{1 << 20, 256 << 10};
  const auto fill = [&] {
    const auto index = rocks::open_event_index(directory, say, small);
    const FullDisk full(100 << 10);
    for (int64_t number = 0;; ++number) index->write(events(number));
  };
  EXPECT_DEATH(fill(), "everfold stops: the event index in .* cannot be used: .*File too large.* nothing is lost");
  unsetenv("EVERFOLD_FULL_DISK_TEST");

  const auto index = rocks::open_event_index(directory, say, small);
  const int64_t position = index->position(log0).offset;
  EXPECT_EQ(index->events("inventory", "sku", 1, SIZE_MAX).size(), static_cast<std::size_t>(position));
  index->write(events(position));
  EXPECT_EQ(index->position(log0).offset, position + 1);
}

template <class Condition>
::testing::AssertionResult soon(Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return ::testing::AssertionFailure() << "not within 20 s";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return ::testing::AssertionSuccess();
}

// A disk that has no byte left: /proc is one, everywhere.
TEST(FullDiskTest, RoomIsLookedForBeforeADatabaseIsOpened) {
  const testing::TemporaryFolder folder;
  EXPECT_EQ(lack_of_room(folder.path()), "");
  EXPECT_EQ(lack_of_room(folder.path() + "/gone"), "");
  EXPECT_EQ(lack_of_room("/proc"), "the disk has 0 bytes left, and opening a database takes up to 1048576");
}

TEST(FullDiskTest, AProjectorWaitsAndGoesOnByItself) {
  const testing::TemporaryFolder folder;
  const auto logs = std::make_shared<MemoryLogs>();
  testing::WrittenLog log(logs, log0);
  int64_t received = 0;
  const auto receive = [&](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      const std::string sku = "sku-" + std::to_string(received++) + std::string(2'000, 'x');
      log.commit(sku, std::vector<inventory::Event>{make<inventory::v1::StockReceived>("quantity: 1 on_hand: 1")});
    }
  };
  const RocksMemory memory(1 << 20, 1 << 20);
  RocksViewShelf shelf(folder.path(), "stock", memory);
  BuildTurn turn;
  std::mutex mutex;
  std::string warned;
  const auto warn = [&](std::string_view sentence) {
    const std::lock_guard lock(mutex);
    warned += sentence;
  };
  const auto was_warned = [&](std::string_view of) {
    const std::lock_guard lock(mutex);
    return warned.find(of) != std::string::npos;
  };
  const auto now_ms = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  Projector projector([] { return std::make_unique<FoldedView<Stock>>(); }, {log0},
                      {shelf, [&](bool) { return std::make_unique<MemoryLogSource>(logs); }, now_ms, [](std::string_view) {}, warn, turn},
                      {.poll_ms = 1, .retry_ms = 10});
  receive(10);
  std::exception_ptr ended;
  std::jthread thread([&](const std::stop_token& stop) {
    try {
      projector.run(stop);
    } catch (const std::exception&) {
      ended = std::current_exception();
    }
  });
  ASSERT_TRUE(soon([&] { return projector.status().caught_up; }));
  RocksViewReader reader(folder.path(), "stock", folder.path() + "/scratch", memory);
  {
    const FullDisk full(100 << 10);
    receive(300);
    ASSERT_TRUE(soon([&] { return was_warned("cannot be written"); }));
    EXPECT_FALSE(projector.status().caught_up);
    reader.catch_up();
    EXPECT_LT(reader.position(log0).offset, logs->end(log0)) << "what is not written is not said to be applied";
  }
  receive(10);
  ASSERT_TRUE(soon([&] { return projector.status().caught_up; }));
  const auto rows = [&] {
    std::size_t count = 0;
    reader.catch_up();
    reader.rows("", "", [&](std::string_view, std::string_view) { return ++count > 0; });
    return count;
  };
  EXPECT_TRUE(soon([&] { return rows() == 320; })) << rows();
  thread = {};
  EXPECT_EQ(ended, nullptr);
}

}  // namespace
}  // namespace everfold
