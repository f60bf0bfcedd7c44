// Whatever happens to the files of a view: it stands where it once stood, whole, or it is damaged and says so; to its
// writer at the start and to its readers at any time.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "platform/rocksdb/view_store.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "tests/contract/child.hpp"
#include "tests/contract/damage.hpp"
#include "tests/contract/temporary_folder.hpp"

namespace everfold {
namespace {

namespace fs = std::filesystem;
using testing::copy_folder;
using testing::files_of;
using testing::read_file;
using testing::said_by_child;
using testing::write_file;

const LogId log0{"orders", 0};
constexpr std::size_t batches = 500;

// Batch i + 1 leaves the position at offset i + 1.
const std::vector<ViewBatch>& truth() {
  static const auto made = [] {
    std::mt19937_64 random(11);
    std::vector<ViewBatch> all;
    for (std::size_t i = 1; i <= batches; ++i) {
      ViewBatch batch;
      for (auto rows = 1 + random() % 4; rows > 0; --rows) {
        std::string value(random() % 1'500, ' ');
        for (char& byte : value) byte = static_cast<char>(random());
        batch.rows.emplace_back("row" + std::to_string(random() % 80), random() % 9 == 0 ? std::nullopt : std::optional(value));
      }
      std::sort(batch.rows.begin(), batch.rows.end());
      batch.index_puts.emplace_back("by/" + std::to_string(i), batch.rows.front().first);
      if (i > 20) batch.index_deletes.push_back("by/" + std::to_string(i - 20));
      const auto offset = static_cast<int64_t>(i);
      batch.positions.push_back({log0, {offset, 1, offset}});
      all.push_back(std::move(batch));
    }
    return all;
  }();
  return made;
}

// Empty: all that it says is what was true at its position. Throws ViewDamaged.
std::string untruth(const ViewReader& view) {
  const auto offset = static_cast<std::size_t>(view.position(log0).offset);
  MemoryViewStore then;
  for (std::size_t i = 0; i < offset; ++i) then.write(truth().at(i));
  std::map<std::string, std::string, std::less<>> rows, index;
  view.rows("", "", [&](std::string_view key, std::string_view row) { return rows.emplace(key, row).second; });
  view.index("", [&](std::string_view key, std::string_view row) { return index.emplace(key, row).second; });
  for (const auto& [key, row] : rows)
    if (const auto right = then.row(key); right != row) return "at " + std::to_string(offset) + ": " + key + (right ? " is another" : " was deleted");
  if (rows.size() != then.all_rows().size()) return "at " + std::to_string(offset) + " rows are missing";
  if (index != then.all_index()) return "at " + std::to_string(offset) + " the index is not that";
  return "";
}

class DamagedViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto made = said_by_child([&] {
      RocksViewShelf shelf(folder_.path() + "/closed", "orders", memory_);
      const auto store = shelf.create(1, 1);
      for (std::size_t i = 0; i < batches; ++i) {
        store->write(truth()[i]);
        if (i < 400 || fs::exists(killed_) || files_of(closed_, ".sst").empty()) continue;
        copy_folder(closed_, killed_);
      }
      shelf.set_live(1);
      return "";
    });
    ASSERT_EQ(made, "");
    ASSERT_FALSE(files_of(killed_, ".sst").empty()) << "nothing was flushed: the test shows nothing";
  }

  void expect_right(const std::string& image, const std::function<std::string(const std::string&)>& damage) {
    const std::string views = folder_.path() + "/views", scratch = folder_.path() + "/scratch";
    copy_folder(image, views + "/orders/1");
    RocksViewShelf(views, "orders", memory_).set_live(1);
    const std::string what = damage(views + "/orders/1");
    fs::remove_all(scratch);
    const auto look = [&]() -> std::string {
      {  // First the reader, because the writer mends what it can.
        const RocksViewReader reader(views, "orders", scratch, memory_);
        if (const std::string said = said_by(reader); !said.empty()) return "a reader: " + said;
      }
      try {
        const auto said = untruth(*RocksViewShelf(views, "orders", memory_).open(1).store);
        return said.empty() ? "whole" : said;
      } catch (const ViewDamaged&) {
        return "damaged";
      }
    };
    // Damage can end the program while it opens: two of the reader's starts, then two of the writer's, and both know.
    std::optional<std::string> found;
    for (int starts = 0; starts < 5 && !found; ++starts)
      if (found = said_by_child(look); !found) ++ended_;
    ASSERT_TRUE(found) << "it ends the program at every start; " << what;
    ASSERT_TRUE(found == "whole" || found == "damaged") << *found << "; " << what;
    ++(found == "whole" ? whole_ : damaged_);
  }

  static std::string said_by(const RocksViewReader& reader) {
    try {
      return reader.generation() == 0 ? "" : untruth(reader);
    } catch (const ViewDamaged&) {
      return "";
    }
  }

  testing::TemporaryFolder folder_{testing::in_memory()};
  const RocksMemory memory_{1 << 20, 128 << 10};  // flushes every few dozen batches
  const std::string closed_ = folder_.path() + "/closed/orders/1", killed_ = folder_.path() + "/killed";
  void TearDown() override { EXPECT_LE(ended_, 4) << "RocksDB's assertions are rare: what ends the program so often is something else"; }
  int whole_ = 0, damaged_ = 0, ended_ = 0;
};

TEST_F(DamagedViewTest, WhateverIsDamagedItIsWholeOrSaysSo) {
  for (uint64_t seed = 1; seed <= testing::damage_seeds(100) && !HasFatalFailure(); ++seed)
    expect_right(seed % 2 == 0 ? closed_ : killed_, [&](const std::string& directory) {
      testing::Damage damage(seed);
      std::string what = "seed " + std::to_string(seed) + ": " + damage.one(directory);
      if (seed % 5 == 0) what += "; " + damage.one(directory);
      return what;
    });
  EXPECT_GT(whole_, 5) << "a log that ends too early is an earlier state";
  EXPECT_GT(damaged_, 20);
}

// What checksums do not see: an end that comes too early, and a header of zeros, behind which RocksDB reads on in the next
// block as if nothing had been there.
TEST_F(DamagedViewTest, AManifestOrLogThatIsCutOrZeroedAtARecordIsAnEarlierStateOrDamaged) {
  for (const std::string kind : {"MANIFEST", ".log"})
    for (const auto& file : files_of(killed_, kind)) {
      const std::string name = file.filename().string(), bytes = read_file(file);
      const auto offsets = testing::record_offsets(bytes);
      for (std::size_t i = 0; i < offsets.size(); i += 1 + offsets.size() / 20) {
        const std::size_t at = offsets[i];
        expect_right(killed_, [&](const std::string& directory) {
          write_file(directory + "/" + name, bytes.substr(0, at));
          return name + " cut at " + std::to_string(at);
        });
        expect_right(killed_, [&](const std::string& directory) {
          write_file(directory + "/" + name, std::string(bytes).replace(at, 7, 7, '\0'));
          return name + " zeroed at " + std::to_string(at);
        });
      }
    }
  EXPECT_GT(whole_, 0);
  EXPECT_GT(damaged_, 0);
}

// A record of a kind that we never write belongs to a log used again, and RocksDB's secondary looks for its end for ever.
TEST_F(DamagedViewTest, ALogRecordOfAnotherKindIsDamage) {
  for (const auto& file : files_of(killed_, ".log")) {
    const std::string name = file.filename().string(), bytes = read_file(file);
    const auto offsets = testing::record_offsets(bytes);
    if (offsets.empty()) continue;
    for (const std::size_t at : {offsets.front(), offsets.back()})
      for (const char kind : {'\0', '\5', '\6', '\7', '\10', '\11'})
        expect_right(killed_, [&](const std::string& directory) {
          write_file(directory + "/" + name, std::string(bytes).replace(at + 6, 1, 1, kind));
          return name + ": the record at " + std::to_string(at) + " is of kind " + std::to_string(kind);
        });
  }
  EXPECT_GT(whole_ + damaged_, 0) << "there was no record";
}

TEST_F(DamagedViewTest, AReaderOfFilesThatAreDamagedUnderWaySaysWhatIsTrueOrNothing) {
  for (uint64_t seed = 1; seed <= testing::damage_seeds(40) && !HasFatalFailure(); ++seed) {
    const auto said = said_by_child([&]() -> std::string {
      const std::string views = folder_.path() + "/views";
      fs::remove_all(views);
      RocksViewShelf shelf(views, "orders", memory_);
      const auto store = shelf.create(1, 1);
      shelf.set_live(1);
      RocksViewReader reader(views, "orders", folder_.path() + "/scratch", memory_);
      testing::Damage damage(seed);
      std::string what = "seed " + std::to_string(seed) + ": ";
      try {
        for (std::size_t i = 0; i < batches; ++i) {
          store->write(truth()[i]);
          if (i == 100 + seed * 7 % 300) what += damage.one(views + "/orders/1");
          if (i % 10 != 0) continue;
          reader.catch_up();
          if (const std::string untrue = said_by(reader); !untrue.empty()) return what + ": " + untrue;
        }
      } catch (const ViewDamaged&) {
        return "";
      } catch (const ViewUnwritable&) {
        return "";
      }
      return "";
    });
    if (!said) ++ended_;
    ASSERT_TRUE(!said || said->empty()) << *said;
  }
}

TEST_F(DamagedViewTest, TheWriterHearsOfWhatAReaderMet) {
  const auto said = said_by_child([&]() -> std::string {
    RocksViewShelf shelf(folder_.path() + "/closed", "orders", memory_);
    RocksViewReader reader(folder_.path() + "/closed", "orders", folder_.path() + "/scratch", RocksMemory(1, 1 << 20));
    if (const std::string untrue = untruth(reader); !untrue.empty()) return untrue;
    if (const std::string before = shelf.damage_of(1); !before.empty()) return "before there was any: " + before;
    for (const auto& table : files_of(closed_, ".sst")) write_file(table, std::string(fs::file_size(table), 'x'));
    try {
      return "read from damaged tables: " + untruth(reader);
    } catch (const ViewDamaged&) {
      return shelf.damage_of(1);
    }
  });
  ASSERT_TRUE(said);
  EXPECT_NE(said->find("a reader met"), std::string::npos) << *said;
}

TEST_F(DamagedViewTest, WhatEndsTheProgramIsDamagedAtTheThirdStart) {
  const auto manifest = files_of(killed_, "MANIFEST").at(0);
  write_file(manifest, read_file(manifest) + read_file(manifest));
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_DEATH(RocksViewStore::open(killed_, memory_), "");
  EXPECT_DEATH(RocksViewStore::open(killed_, memory_), "");
  EXPECT_THROW(RocksViewStore::open(killed_, memory_), ViewDamaged);
}

}  // namespace
}  // namespace everfold
