// What only files can do: be followed by another program, be damaged, be deleted, be somebody else's.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "platform/rocksdb/view_store.hpp"
#include "platform/rocksdb/directory_lock.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace everfold {
namespace {

namespace fs = std::filesystem;

const LogId log0{"orders", 0};

class RocksViewTest : public ::testing::Test {
 protected:
  static ViewBatch batch(const std::string& value, int64_t offset) {
    return {{{"a", value}}, {{"by/" + value, "a"}}, {}, {{log0, {offset, 1, offset}}}};
  }
  std::unique_ptr<RocksViewReader> reader() {
    return std::make_unique<RocksViewReader>(views_, "orders", folder_.path() + "/scratch", memory_);
  }
  std::vector<fs::path> files(int64_t generation, const std::string& extension) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(views_ + "/orders/" + std::to_string(generation)))
      if (entry.path().extension() == extension) found.push_back(entry.path());
    return found;
  }

  testing::TemporaryFolder folder_;
  const std::string views_ = folder_.path() + "/views";
  RocksMemory memory_;
  RocksViewShelf shelf_{views_, "orders", memory_};
};

TEST_F(RocksViewTest, AReaderWaitsForTheFirstGeneration) {
  const auto following = reader();
  EXPECT_EQ(following->generation(), 0);
  EXPECT_FALSE(following->problem().empty());
  EXPECT_EQ(following->row("a"), std::nullopt);
  EXPECT_EQ(following->position(log0), LogPosition{});

  const auto store = shelf_.create(1, 1);
  store->write(batch("1", 1));
  EXPECT_FALSE(following->catch_up()) << "it is not live yet";
  shelf_.set_live(1);
  EXPECT_TRUE(following->catch_up());
  EXPECT_EQ(following->generation(), 1);
  EXPECT_EQ(following->problem(), "");
  EXPECT_EQ(following->row("a"), "1");
}

TEST_F(RocksViewTest, AReaderSeesWhatIsWrittenOnceItCatchesUp) {
  const auto store = shelf_.create(1, 1);
  shelf_.set_live(1);
  const auto following = reader();
  for (int64_t i = 1; i <= 100; ++i) {
    const std::string value = std::to_string(i);
    store->write(batch(value, i));
    EXPECT_TRUE(following->catch_up()) << following->problem();
    EXPECT_EQ(following->row("a"), value);
    EXPECT_EQ(following->position(log0).offset, i);
  }
  std::size_t entries = 0;
  following->index("by/", [&](std::string_view, std::string_view row) { return entries += row == "a", true; });
  EXPECT_EQ(entries, 100u);
}

TEST_F(RocksViewTest, AReaderFollowsThroughFlushesAndCompactions) {
  const RocksMemory small(1 << 20, 256 << 10);  // flushes every few batches
  RocksViewShelf shelf(views_, "orders", small);
  const auto store = shelf.create(1, 1);
  shelf.set_live(1);
  const auto following = reader();
  const std::string padding(20'000, 'x');
  for (int64_t i = 1; i <= 300; ++i) {
    store->write({{{"k" + std::to_string(i), padding + std::to_string(i)}}, {}, {}, {{log0, {i, 1, i}}}});
    // While tables change a look may show one batch less, whole; the next one shows it.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (following->catch_up() && following->position(log0).offset < i && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    ASSERT_EQ(following->problem(), "");
    ASSERT_EQ(following->position(log0).offset, i);
    ASSERT_EQ(following->row("k" + std::to_string(i)), padding + std::to_string(i));
    ASSERT_EQ(following->row("k" + std::to_string(i / 2 + 1)), padding + std::to_string(i / 2 + 1));
  }
  EXPECT_FALSE(files(1, ".sst").empty()) << "nothing was flushed: the test shows nothing";
}

TEST_F(RocksViewTest, AReaderFollowsToAnotherGenerationWhileTheOldOneIsRead) {
  {
    const auto store = shelf_.create(1, 1);
    store->write({{{"a", "1"}, {"b", "1"}}, {}, {}, {}});
    shelf_.set_live(1);
  }
  const auto following = reader();
  const auto next = shelf_.create(2, 2);
  next->write({{{"a", "2"}, {"b", "2"}}, {}, {}, {}});
  EXPECT_TRUE(following->catch_up());
  EXPECT_EQ(following->row("a"), "1");

  std::string seen;
  following->rows("", "", [&](std::string_view, std::string_view value) {
    seen += value;
    shelf_.set_live(2);
    following->catch_up();
    shelf_.remove(1);
    return true;
  });
  EXPECT_EQ(seen, "11") << "a scan stays in its generation";
  EXPECT_EQ(following->generation(), 2);
  EXPECT_EQ(following->row("a"), "2");
}

TEST_F(RocksViewTest, AReaderNoticesThatTheViewsWereDeletedAndFoldedAnew) {
  {
    shelf_.create(1, 1)->write(batch("old", 1));
    shelf_.set_live(1);
  }
  const auto following = reader();
  fs::remove_all(views_);
  EXPECT_TRUE(following->catch_up());
  EXPECT_EQ(following->row("a"), "old") << "what is shown stays";
  EXPECT_FALSE(following->problem().empty());

  const auto store = shelf_.create(1, 1);  // the same number, another folder
  store->write(batch("new", 2));
  shelf_.set_live(1);
  EXPECT_TRUE(following->catch_up());
  EXPECT_EQ(following->row("a"), "new");
  EXPECT_EQ(following->problem(), "");
}

TEST_F(RocksViewTest, ManyThreadsReadWhileOneCatchesUp) {
  const auto store = shelf_.create(1, 1);
  shelf_.set_live(1);
  store->write(batch("0", 0));
  const auto following = reader();
  std::atomic<bool> done{false};
  std::atomic<int64_t> reads{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!done) {
        const int64_t position = following->position(log0).offset;
        const auto row = following->row("a");
        EXPECT_TRUE(row && std::stoll(*row) >= position) << "a row older than the position that was read before it";
        ++reads;
      }
    });
  for (int64_t i = 1; i <= 2'000; ++i) {
    store->write(batch(std::to_string(i), i));
    following->catch_up();
  }
  done = true;
  threads.clear();
  EXPECT_GT(reads, 0);
  EXPECT_EQ(following->row("a"), "2000");
}

TEST_F(RocksViewTest, EveryKindOfDamageIsSaid) {
  const RocksMemory small(1 << 20, 64 << 10);
  RocksViewShelf shelf(views_, "orders", small);
  const auto fill = [&](int64_t generation) {
    const auto store = shelf.create(generation, 1);
    for (int i = 0; i < 100 || files(generation, ".sst").size() < 2; ++i)  // the last may not be finished
      store->write({{{"k" + std::to_string(i), std::string(5'000, 'x')}}, {}, {}, {}});
  };
  const std::vector<std::pair<std::string, std::function<void(int64_t)>>> damages = {
      {"a missing CURRENT", [&](int64_t g) { fs::remove(views_ + "/orders/" + std::to_string(g) + "/CURRENT"); }},
      {"a missing manifest",
       [&](int64_t g) {
         for (const auto& entry : fs::directory_iterator(views_ + "/orders/" + std::to_string(g)))
           if (entry.path().filename().string().starts_with("MANIFEST")) fs::remove(entry.path());
       }},
      {"a missing table", [&](int64_t g) { fs::remove(files(g, ".sst").at(0)); }},
      {"a short table", [&](int64_t g) { fs::resize_file(files(g, ".sst").at(0), 10); }},
      {"a table of garbage",
       [&](int64_t g) {
         const auto file = files(g, ".sst").at(0);
         const auto size = fs::file_size(file);
         std::ofstream(file, std::ios::trunc) << std::string(size, 'z');
       }},
      {"a few wrong bytes in a table",
       [&](int64_t g) {
         std::fstream file(files(g, ".sst").at(0), std::ios::in | std::ios::out | std::ios::binary);
         file.seekp(100);
         file << "wrong";
       }},
      {"an empty folder",
       [&](int64_t g) {
         fs::remove_all(views_ + "/orders/" + std::to_string(g));
         fs::create_directory(views_ + "/orders/" + std::to_string(g));
       }},
  };
  int64_t generation = 0;
  for (const auto& [name, damage] : damages) {
    fill(++generation);
    damage(generation);
    EXPECT_THROW(shelf.open(generation), ViewDamaged) << name;
    shelf.set_aside(generation);
    EXPECT_NE(shelf.damage_of(generation), "") << name;
  }
}

// What a crash of the machine may leave of the write-ahead log.
TEST_F(RocksViewTest, AShortOrDamagedWriteAheadLogOpensAtAnEarlierBatch) {
  int64_t generation = 0;
  for (const bool cut : {true, false}) {
    {
      const auto store = shelf_.create(++generation, 1);
      for (int64_t i = 1; i <= 100; ++i) store->write(batch(std::to_string(i), i));
    }
    auto logs = files(generation, ".log");
    ASSERT_FALSE(logs.empty());
    const auto log = *std::max_element(logs.begin(), logs.end());
    if (cut) {
      fs::resize_file(log, fs::file_size(log) * 2 / 3);
    } else {
      std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(fs::file_size(log) / 2));
      file << "wrong";
    }
    const auto opened = shelf_.open(generation);
    const int64_t offset = opened.store->position(log0).offset;
    EXPECT_GT(offset, 0) << cut;
    EXPECT_LT(offset, 100) << cut;
    EXPECT_EQ(opened.store->row("a"), std::to_string(offset)) << "row and position parted";
  }
}

// Open files hide what happened to their folder until the next one has to be made.
TEST_F(RocksViewTest, ADeletedFolderIsSeenByTheOneWhoLooks) {
  const auto store = shelf_.create(1, 1);
  EXPECT_EQ(shelf_.damage_of(1), "");
  fs::remove_all(views_);
  EXPECT_NE(shelf_.damage_of(1), "");
  EXPECT_TRUE(shelf_.generations().empty());
  EXPECT_EQ(shelf_.live(), 0);
}

TEST_F(RocksViewTest, AHalfWrittenPointerIsNoGeneration) {
  std::ofstream(views_ + "/orders/live") << "x";
  EXPECT_EQ(shelf_.live(), 0);
  shelf_.set_live(3);
  EXPECT_EQ(shelf_.live(), 3);
}

TEST_F(RocksViewTest, AStoreThatIsOpenIsNotDamaged) {
  const auto store = shelf_.create(1, 1);
  try {
    shelf_.open(1);
    ADD_FAILURE() << "two writers of one view";
  } catch (const ViewDamaged& damage) {
    ADD_FAILURE() << "it would be set aside: " << damage.what();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("lock"), std::string::npos) << error.what();
  }
}

TEST_F(RocksViewTest, OneProjectorAViewsDirectory) {
  {
    const DirectoryLock lock(views_);
    EXPECT_THROW(DirectoryLock second(views_), std::runtime_error);
  }
  const DirectoryLock again(views_);
}

}  // namespace
}  // namespace everfold
