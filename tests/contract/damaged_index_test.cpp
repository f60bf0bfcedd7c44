// Whatever happens to the files of an event index: it is right, or it is rebuilt, once the rest was read again from the log.
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <map>
#include <set>

#include "platform/rocksdb/event_index.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "runtime/writer/memory_event_index.hpp"
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

const std::vector<LogId> logs{{"checkout", 0}, {"checkout", 1}, {"inventory", 0}};

// What a writer reads from its logs, commit by commit.
struct Step {
  LogId log;
  int64_t offset;  // of its first event
  IndexBatch batch;
};

std::vector<Step> history(int steps) {
  std::mt19937_64 random(7);
  std::vector<Step> made;
  std::map<LogId, int64_t> ends;
  std::map<std::string, int64_t> versions;
  for (int number = 0; number < steps; ++number) {
    const LogId log = logs[random() % logs.size()];
    const std::string id = to_string(log) + "-" + std::to_string(random() % 40);
    Step step{log, ends[log], {}};
    for (auto events = 1 + random() % 3; events > 0; --events) {
      StoredEvent event;
      const std::string command = "command-" + std::to_string(number);
      event.meta = {command + "." + std::to_string(events), "type", log.context, id, ++versions[id], 1700, "correlation", command, "", ""};
      event.bytes.resize(random() % 400);
      for (char& byte : event.bytes) byte = static_cast<char>(random());
      event.offset = ends[log]++;
      step.batch.events.push_back(std::move(event));
    }
    if (random() % 3 == 0)
      step.batch.timers.push_back({log, id, random() % 2 == 0 ? std::optional<int64_t>(number) : std::nullopt});
    if (random() % 5 == 0) step.batch.snapshots.push_back({log.context, id, versions[id], 1, "snapshot at " + std::to_string(number)});
    made.push_back(std::move(step));
  }
  return made;
}

const std::vector<Step>& truth() {
  static const auto steps = history(1'200);
  return steps;
}

int64_t end_of(const LogId& log, std::size_t steps) {
  int64_t end = 0;
  for (std::size_t i = 0; i < steps; ++i)
    if (truth()[i].log == log) end = truth()[i].batch.events.back().offset + 1;
  return end;
}

void save_positions(EventIndex& index, std::size_t steps) {
  IndexBatch batch;
  for (const LogId& log : logs) batch.positions.emplace_back(log, LogPosition{end_of(log, steps), 1, static_cast<int64_t>(steps) + 1});
  index.write(batch);
}

// As a writer does after a start: from its positions on. What it read before is read again now and then.
void read_rest(EventIndex& index) {
  std::map<LogId, int64_t> from;
  for (const LogId& log : logs) from[log] = index.position(log).offset;
  for (const Step& step : truth())
    if (step.offset >= from[step.log]) index.write(step.batch);
  save_positions(index, truth().size());
}

// Empty: every answer is that of an index that was never touched.
std::string difference(const EventIndex& index) {
  static const auto whole = [] {
    auto memory = std::make_unique<MemoryEventIndex>();
    read_rest(*memory);
    return memory;
  }();
  std::set<std::pair<std::string, std::string>> aggregates;
  for (const Step& step : truth()) {
    const EventMeta& meta = step.batch.events.back().meta;
    aggregates.emplace(meta.context, meta.aggregate_id);
    const auto known = index.command(meta.causation_id);
    if (!known || known->last_version != meta.version || known->aggregate_id != meta.aggregate_id) return meta.causation_id;
  }
  for (const auto& [context, id] : aggregates) {
    const auto wanted = whole->events(context, id, 1, SIZE_MAX), found = index.events(context, id, 1, SIZE_MAX);
    const auto same = [](const StoredEvent& a, const StoredEvent& b) {
      return a.meta.id == b.meta.id && a.meta.version == b.meta.version && a.offset == b.offset && a.bytes == b.bytes;
    };
    if (!std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(), same))
      return id + " has " + std::to_string(found.size()) + " events of " + std::to_string(wanted.size());
    const auto snapshot = whole->snapshot(context, id), kept = index.snapshot(context, id);
    if (snapshot.has_value() != kept.has_value() || (kept && kept->bytes != snapshot->bytes)) return "the snapshot of " + id;
  }
  for (const LogId& log : logs)
    if (index.timers(log) != whole->timers(log)) return "the timers of " + to_string(log);
  return "";
}

class DamagedIndexTest : public ::testing::Test {
 protected:
  // Small memtables: many tables, compactions, a manifest that tells of them.
  static constexpr rocks::IndexMemory small{1 << 20, 64 << 10};

  void SetUp() override {
    const auto made = said_by_child([&] {
      const auto index = open(folder_.path() + "/live");
      for (std::size_t i = 0; i < truth().size(); ++i) {
        index->write(truth()[i].batch);
        if (i % 7 == 0) save_positions(*index, i + 1);
        if (!fs::exists(young_) && !files_of(closed_, ".sst").empty()) copy_folder(closed_, young_);
        if (i == 900) copy_folder(closed_, killed_);
      }
      save_positions(*index, truth().size());
      return said_;
    });
    ASSERT_EQ(made, "");
  }

  std::unique_ptr<EventIndex> open(const std::string& directory) {
    said_.clear();
    return rocks::open_event_index(directory, [this](std::string_view sentence) { said_ += sentence; }, small);
  }

  // Empty: it is right once the rest was read again. What it said at the opening is in said_.
  std::string opened_and_read(const std::string& directory) {
    const auto index = open(directory);
    if (!said_.empty() && index->position(logs[0]) != LogPosition{}) return "rebuilt, but not from the beginning";
    read_rest(*index);
    return difference(*index);
  }

  // Copies an image, does something to it, and asks for the truth.
  void expect_right(const std::string& image, const std::function<std::string(const std::string&)>& damage) {
    const std::string directory = folder_.path() + "/damaged";
    copy_folder(image, directory);
    const std::string what = damage(directory);
    const auto look = [&]() -> std::string {
      if (const std::string wrong = opened_and_read(directory); !wrong.empty()) return wrong;
      if (said_.empty()) return "as it was";
      return said_.find("set aside in " + directory + "/damaged") != std::string::npos ? "rebuilt" : said_;
    };
    std::optional<std::string> found;
    for (int starts = 0; starts < 3 && !found; ++starts)
      if (found = said_by_child(look); !found) ++ended_;
    ASSERT_TRUE(found) << "it ends the program at every start; " << what;
    ASSERT_TRUE(found == "as it was" || found == "rebuilt") << *found << "; " << what;
    ++(found == "rebuilt" ? rebuilt_ : as_it_was_);
  }

  testing::TemporaryFolder folder_{testing::in_memory()};
  const std::string closed_ = folder_.path() + "/live", killed_ = folder_.path() + "/killed";
  const std::string young_ = folder_.path() + "/young";  // killed before any table was compacted away
  std::string said_;
  void TearDown() override { EXPECT_LE(ended_, 4) << "RocksDB's assertions are rare: what ends the program so often is something else"; }
  int as_it_was_ = 0, rebuilt_ = 0, ended_ = 0;
};

TEST_F(DamagedIndexTest, WithoutDamageItGoesOnFromWhereItWas) {
  EXPECT_EQ(said_by_child([&]() -> std::string {
    const auto index = open(closed_);
    if (index->position(logs[0]).offset != end_of(logs[0], truth().size())) return "it is not at its end";
    return difference(*index);
  }), "");
  EXPECT_EQ(said_by_child([&]() -> std::string {
    const auto after_a_kill = open(killed_);
    const int64_t offset = after_a_kill->position(logs[0]).offset;
    if (offset == 0) return "nothing was flushed: the tests show nothing";
    if (offset > end_of(logs[0], 901)) return "it is ahead of what it was given";
    read_rest(*after_a_kill);
    return difference(*after_a_kill);
  }), "");
}

TEST_F(DamagedIndexTest, WhateverIsDamagedItIsRightOrRebuilt) {
  for (uint64_t seed = 1; seed <= testing::damage_seeds(100) && !HasFatalFailure(); ++seed)
    expect_right(seed % 2 == 0 ? closed_ : killed_, [&](const std::string& directory) {
      testing::Damage damage(seed);
      std::string what = "seed " + std::to_string(seed) + ": " + damage.one(directory);
      if (seed % 5 == 0) what += "; " + damage.one(directory);
      return what;
    });
  EXPECT_GT(as_it_was_, 5) << "a manifest that ends too early is an earlier state";
  EXPECT_GT(rebuilt_, 20);
}

// The two that checksums do not see: a manifest that ends too early, at a record's end, and a header of zeros, behind which RocksDB reads on
// in the next block as if nothing had been there.
TEST_F(DamagedIndexTest, AManifestThatIsCutOrZeroedAtARecordIsAnEarlierStateOrNone) {
  for (const std::string& image : {closed_, killed_, young_}) {
    const std::string name = files_of(image, "MANIFEST").at(0).filename().string();
    const std::string bytes = read_file(image + "/" + name);
    for (const std::size_t at : testing::record_offsets(bytes)) {
      expect_right(image, [&](const std::string& directory) {
        write_file(directory + "/" + name, bytes.substr(0, at));
        return name + " cut at " + std::to_string(at);
      });
      expect_right(image, [&](const std::string& directory) {
        write_file(directory + "/" + name, std::string(bytes).replace(at, 7, 7, '\0'));
        return name + " zeroed at " + std::to_string(at);
      });
    }
  }
  EXPECT_GT(as_it_was_, 0);
  EXPECT_GT(rebuilt_, 0);
}

// A record of a manifest that is there twice is nothing that RocksDB refuses: an assertion of it fails.
TEST_F(DamagedIndexTest, WhatEndsTheProgramIsSetAsideAtTheThirdStart) {
  const auto manifest = files_of(killed_, "MANIFEST").at(0);
  write_file(manifest, read_file(manifest) + read_file(manifest));
  GTEST_FLAG_SET(death_test_style, "fast");
  const auto dies = [&] { open(killed_); };
  EXPECT_DEATH(dies(), "");
  EXPECT_DEATH(dies(), "");
  const auto said = said_by_child([&] {
    const std::string wrong = opened_and_read(killed_);
    return wrong.empty() ? said_ : wrong;
  });
  ASSERT_TRUE(said);
  EXPECT_NE(said->find("ended the program"), std::string::npos) << *said;
}

TEST_F(DamagedIndexTest, AForeignDatabaseIsSetAside) {
  expect_right(closed_, [&](const std::string& directory) {
    EXPECT_EQ(said_by_child([&] {
      RocksViewStore::create(folder_.path() + "/view", 1, RocksMemory());
      return "";
    }), "");
    copy_folder(folder_.path() + "/view", directory);
    return "a view's";
  });
  EXPECT_EQ(rebuilt_, 1);
}

TEST_F(DamagedIndexTest, WithoutACurrentItIsRebuiltAndOtherFilesStay) {
  expect_right(closed_, [&](const std::string& directory) {
    fs::remove(directory + "/CURRENT");
    write_file(directory + "/CURRENT.txt", "precious");
    return "no CURRENT";
  });
  EXPECT_EQ(rebuilt_, 1);
  EXPECT_EQ(read_file(folder_.path() + "/damaged/CURRENT.txt"), "precious");
}

// Damage that comes while the index is open: nobody hears an answer from it, and the next start rebuilds.
TEST_F(DamagedIndexTest, DamageMetUnderWayEndsTheProgramAndLeavesAMark) {
  GTEST_FLAG_SET(death_test_style, "fast");
  const auto meet = [&] {
    const auto index = open(closed_);
    for (const auto& table : files_of(closed_, ".sst")) write_file(table, std::string(fs::file_size(table), 'x'));
    difference(*index);
  };
  EXPECT_DEATH(meet(), "everfold stops: the event index in .* is damaged: .* start again");
  const auto said = said_by_child([&] {
    const std::string wrong = opened_and_read(closed_);
    return wrong.empty() ? said_ : wrong;
  });
  ASSERT_TRUE(said);
  EXPECT_NE(said->find("found while it was in use"), std::string::npos) << *said;
  EXPECT_FALSE(fs::exists(closed_ + "/DAMAGED"));
}

}  // namespace
}  // namespace everfold
