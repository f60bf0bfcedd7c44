// History with bookmarks reads what reading everything from the beginning would have found, whatever lies in the logs
// and whatever became of the bookmarks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "kernel/shard.hpp"
#include "tests/contract/damage.hpp"
#include "tests/contract/temporary_folder.hpp"
#include "tests/unit/replay_scribe.hpp"
#include "tools/replay/history/history.hpp"

namespace everfold::replay {
namespace {

using everfold::testing::ports_of;
using everfold::testing::Scribe;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t block_records = 8;
constexpr int shards = 2;

using Found = std::vector<std::pair<LogId, std::vector<int64_t>>>;  // offsets of each commit's events

// By the rules alone, from the beginning.
Found by_the_rules(const std::shared_ptr<MemoryLogs>& logs, const Wanted& wanted) {
  Found found;
  for (int shard = 0; shard < shards; ++shard) {
    const LogId id{"inventory", shard};
    LogTail tail(id, {});
    for (int64_t offset = 0; offset < logs->end(id); ++offset) {
      const auto record = logs->at(id, offset);
      const std::vector<HeaderView> headers(record->headers.begin(), record->headers.end());
      const TailStep step = tail.feed({offset, record->key, record->value, headers});
      if (!step.commit) continue;
      const EventMeta& meta = step.commit->events.back().meta;
      const auto range = wanted.offsets.find(id);
      if (meta.time_ms < wanted.from_ms.value_or(meta.time_ms) ||
          meta.time_ms >= wanted.to_ms.value_or(meta.time_ms + 1))
        continue;
      if (range != wanted.offsets.end() && (offset < range->second.first || offset >= range->second.second)) continue;
      if (wanted.aggregate && (meta.aggregate_id != *wanted.aggregate || shard_of(meta.aggregate_id, shards) != shard))
        continue;
      found.push_back({id, {}});
      for (const StoredEvent& event : step.commit->events) found.back().second.push_back(event.offset);
    }
  }
  return found;
}

struct Reading {
  Found found;
  int64_t records = 0;
};

class ReplayHistory : public ::testing::Test {
 protected:
  Reading read(const Wanted& wanted) {
    History history(ports_of(logs_, {{"inventory", shards}}), folder_.path(), "test", block_records);
    Reading reading;
    history.watch([&](const LogId&, const RecordView&, const TailStep&) { ++reading.records; });
    history.read(wanted,
                 [&](const LogId& log, const Commit& commit) {
                   reading.found.push_back({log, {}});
                   for (const StoredEvent& event : commit.events) reading.found.back().second.push_back(event.offset);
                   return true;
                 },
                 {});
    std::stable_sort(reading.found.begin(), reading.found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return reading;
  }
  static Wanted times(int64_t from_ms, int64_t to_ms) {
    Wanted wanted;
    wanted.from_ms = from_ms;
    wanted.to_ms = to_ms;
    return wanted;
  }
  void expect_right(const Wanted& wanted, const std::string& when) {
    EXPECT_EQ(read(wanted).found, by_the_rules(logs_, wanted)) << when;
  }

  // `steps` of whatever may happen to a log; clocks mostly go on.
  void scribble(Scribe& scribe, std::mt19937& random, int steps) {
    const auto upto = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)) + 1; };
    for (int i = 0; i < steps; ++i) {
      now_ms_ += upto(10);
      switch (upto(20)) {
        case 1:
          scribe.term(scribe.present_term() + upto(2));
          break;
        case 2:
          scribe.term(std::max<int64_t>(scribe.present_term() - 1, 1));  // ignored
          break;
        case 3:
          scribe.stray({std::max<int64_t>(scribe.present_term() - 1, 1), 1, 1, 1},
                       now_ms_ - upto(300));  // fenced, or a duplicate
          break;
        case 4:
          scribe.rubbish();
          break;
        case 5:  // half a commit; then another term
          scribe.stray({scribe.present_term(), scribe.present_commit() + 1, 1, 2});
          scribe.term(scribe.present_term() + 1);
          break;
        case 6:  // a gap, with what a deposed writer sent behind it
          scribe.stray({scribe.present_term(), scribe.present_commit() + 2, 1, 1});
          scribe.stray({scribe.present_term(), scribe.present_commit() + 1, 1, 1});
          scribe.term(scribe.present_term() + 1);
          break;
        case 7:
          now_ms_ -= upto(500);  // another node's clock
          break;
        default:
          scribe.commit("aggregate-" + std::to_string(upto(5)), upto(4), now_ms_);
      }
    }
  }

  std::shared_ptr<MemoryLogs> logs_ = std::make_shared<MemoryLogs>();
  everfold::testing::TemporaryFolder folder_{everfold::testing::in_memory()};
  int64_t now_ms_ = 10'000;
};

TEST_F(ReplayHistory, FindsWhatTheRulesFindWhateverLiesInTheLogs) {
  std::mt19937 random(1);
  Scribe one(logs_, {"inventory", 0}), two(logs_, {"inventory", 1});
  one.term(1);
  two.term(1);
  for (int round = 0; round < 60; ++round) {
    scribble(one, random, 20);
    scribble(two, random, 5);
    const int64_t from = 10'000 + static_cast<int64_t>(random() % static_cast<unsigned>(now_ms_ - 9'000));
    expect_right(times(from, from + static_cast<int64_t>(random() % 300)), "times, round " + std::to_string(round));
    Wanted offsets;
    offsets.offsets[{"inventory", 0}] = {static_cast<int64_t>(random() % 500), static_cast<int64_t>(random() % 1'000)};
    expect_right(offsets, "offsets, round " + std::to_string(round));
    if (round % 10 == 0) expect_right({}, "all, round " + std::to_string(round));
  }
  Wanted one_aggregate;
  one_aggregate.aggregate = "aggregate-1";
  EXPECT_FALSE(read(one_aggregate).found.empty());
  expect_right(one_aggregate, "one aggregate");
}

TEST_F(ReplayHistory, ReadsOnlyTheBlocksThatATimeRangeNeeds) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  for (int i = 0; i < 10'000; ++i) scribe.commit("a", 1, 1'000 + i);
  EXPECT_EQ(read(times(4'000, 4'010)).records, 10'001) << "the first reading looks at everything";
  const Reading again = read(times(4'000, 4'010));
  EXPECT_EQ(again.found.size(), 10u);
  EXPECT_LE(again.records, 10 + 3 * block_records) << "its blocks, and what is not a whole block at the end";
}

TEST_F(ReplayHistory, ATimeThatComesTwiceIsReadInBothPlaces) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  for (const int64_t begin : {1'000, 50'000, 1'500, 90'000})
    for (int i = 0; i < 500; ++i) scribe.commit("a", 1, begin + i);
  for (int i = 0; i < 2; ++i) {
    const Reading reading = read(times(1'400, 1'600));
    EXPECT_EQ(reading.found.size(), 200u);
    EXPECT_LT(reading.records, i == 0 ? 2'002 : 1'000);
  }
}

TEST_F(ReplayHistory, DamagedBookmarksAreLeftAsideAndMadeAnew) {
  std::mt19937 random(2);
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  scribble(scribe, random, 300);
  const Wanted wanted = times(10'200, 10'600);
  read(wanted);
  const std::string file = folder_.path() + "/test/inventory.0.bookmarks";
  const std::string good = everfold::testing::read_file(file);
  ASSERT_FALSE(good.empty());
  for (int i = 0; i < 100; ++i) {
    std::string bad = good;
    const std::size_t at = random() % bad.size();
    if (i % 3 == 0)
      bad.resize(at);
    else
      bad[at] = static_cast<char>(bad[at] ^ (1 << (random() % 7)));
    everfold::testing::write_file(file, bad);
    if (i % 10 == 0) {
      ::testing::internal::CaptureStderr();
      expect_right(wanted, "damaged");
      EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("inventory.0.bookmarks are damaged"));
      EXPECT_EQ(everfold::testing::read_file(file), good);
    } else {
      EXPECT_FALSE(Bookmarks::parse(bad, {"inventory", 0})) << "byte " << at;
    }
  }
  EXPECT_FALSE(Bookmarks::parse(good, {"inventory", 1})) << "another log's";
}

TEST_F(ReplayHistory, ALogThatWasMadeAnewIsNotReadByTheOldBookmarks) {
  for (const int commits : {300, 600, 20}) {  // as long as before, longer, shorter
    logs_ = std::make_shared<MemoryLogs>();
    Scribe scribe(logs_, {"inventory", 0}, "made-" + std::to_string(commits));
    scribe.term(commits);  // another history, another term
    for (int i = 0; i < commits; ++i) scribe.commit("a", 1, 1'000 + 5 * i);
    expect_right(times(1'100, 1'400), "made anew");
    expect_right(times(1'100, 1'400), "with new bookmarks");
  }
}

TEST_F(ReplayHistory, ALogThatLostItsEndAndGrewAgainIsAnother) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  for (int i = 0; i < 300; ++i) scribe.commit("a", 1, 1'000 + i);
  read(times(1'100, 1'200));
  // An unclean election: the first records are the same, the rest was written anew by the next term.
  auto other = std::make_shared<MemoryLogs>();
  for (int64_t offset = 0; offset < 50; ++offset) other->append({"inventory", 0}, *logs_->at({"inventory", 0}, offset));
  Scribe next(other, {"inventory", 0}, "next");
  next.term(2);
  for (int i = 0; i < 400; ++i) next.commit("b", 1, 1'000 + i);
  logs_ = other;
  expect_right(times(1'100, 1'200), "grown again");
  EXPECT_EQ(read(times(1'100, 1'200)).found.size(), 100u);
}

TEST_F(ReplayHistory, ASinkThatHasEnoughEndsTheReading) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  for (int i = 0; i < 300; ++i) scribe.commit("a", 1, 1'000 + i);
  read(times(1'100, 1'200));
  const std::string file = folder_.path() + "/test/inventory.0.bookmarks";
  const std::string all = everfold::testing::read_file(file);
  History history(ports_of(logs_, {{"inventory", shards}}), folder_.path(), "test", block_records);
  int commits = 0;
  history.read({}, [&](const LogId&, const Commit&) { return ++commits < 3; }, {});
  EXPECT_EQ(commits, 3);
  EXPECT_EQ(everfold::testing::read_file(file), all) << "what was known longer stays";
}

TEST_F(ReplayHistory, FollowingGoesOnWithWhatIsAdded) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  for (int i = 0; i < 30; ++i) scribe.commit("a", 1, 1'000 + i);
  read(times(1'000, 2'000));
  Wanted wanted = times(1'028, 2'000);
  wanted.follow = true;
  History history(ports_of(logs_, {{"inventory", shards}}), folder_.path(), "test", block_records);
  std::vector<int64_t> seen;
  history.read(wanted,
               [&](const LogId&, const Commit& commit) {
                 seen.push_back(commit.events.back().meta.time_ms);
                 if (seen.size() < 6) scribe.commit("a", 1, 1'028 + static_cast<int64_t>(seen.size()) + 1);
                 return seen.size() < 6;
               },
               {});
  EXPECT_EQ(seen, (std::vector<int64_t>{1'028, 1'029, 1'030, 1'031, 1'032, 1'033}));
}

TEST_F(ReplayHistory, StopsWhenItIsTold) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  scribe.commit("a", 1, 1'000);
  std::stop_source stop;
  Wanted wanted;
  wanted.follow = true;
  History history(ports_of(logs_, {{"inventory", shards}}), "", "test", block_records);
  history.read(
      wanted, [&](const LogId&, const Commit&) { return stop.request_stop(); }, stop.get_token());
  EXPECT_THAT(everfold::testing::files_of(folder_.path()), IsEmpty()) << "no directory, no bookmarks";
}

TEST_F(ReplayHistory, GoesOnBehindAnyCommitThatWasSeen) {
  std::mt19937 random(3);
  Scribe one(logs_, {"inventory", 0}), two(logs_, {"inventory", 1});
  one.term(1);
  two.term(1);
  scribble(one, random, 200);
  scribble(two, random, 40);
  for (int round = 0; round < 40; ++round) {
    Wanted wanted;
    if (round % 2 == 1) wanted = times(10'200, 10'000 + static_cast<int64_t>(random() % 1'000));  // by bookmarks
    const Found expected = by_the_rules(logs_, wanted);
    Found found;
    const auto stop_after = static_cast<std::size_t>(random() % (expected.size() + 1)) + 1;
    // A program that dies then, and another one.
    for (int program = 0; program < 2; ++program) {
      History history(ports_of(logs_, {{"inventory", shards}}), folder_.path(), "test", block_records);
      EXPECT_EQ(history.foreign(wanted.begin), std::nullopt);
      history.watch([&](const LogId& log, const RecordView& record, const TailStep&) {
        const auto begin = wanted.begin.find(log);
        EXPECT_GE(record.offset, begin == wanted.begin.end() ? 0 : begin->second.offset);
      });
      std::map<LogId, LogPosition> positions;
      history.read(wanted,
                   [&](const LogId& log, const Commit& commit) {
                     found.push_back({log, {}});
                     for (const StoredEvent& event : commit.events) found.back().second.push_back(event.offset);
                     positions[log] = history.behind(log, commit);
                     return program == 1 || found.size() < stop_after;
                   },
                   {});
      wanted.begin = positions;
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    EXPECT_EQ(found, expected) << "round " << round;
    wanted.begin.clear();
    EXPECT_EQ(read(wanted).found, expected) << "with the bookmarks that they left, round " << round;
  }
}

TEST_F(ReplayHistory, KnowsLogsThatPositionsAreNotOf) {
  Scribe scribe(logs_, {"inventory", 0});
  scribe.term(1);
  for (int i = 0; i < 20; ++i) scribe.commit("a", 1, 1'000 + i);
  std::map<LogId, LogPosition> positions;
  {
    History history(ports_of(logs_, {{"inventory", shards}}), "", "test");
    history.read({},
                 [&](const LogId& log, const Commit& commit) {
                   positions[log] = history.behind(log, commit);
                   return true;
                 },
                 {});
    EXPECT_EQ(history.foreign(positions), std::nullopt);
  }
  const auto why = [&](const std::map<LogId, LogPosition>& asked) {
    return History(ports_of(logs_, {{"inventory", shards}}), "", "test").foreign(asked).value_or("");
  };
  EXPECT_THAT(why({{{"inventory", shards}, {1, 1, 1, 1}}}), HasSubstr("log inventory.2 is gone"));
  logs_ = std::make_shared<MemoryLogs>();
  Scribe anew(logs_, {"inventory", 0}, "another");
  anew.term(1);
  EXPECT_THAT(why(positions), HasSubstr("log inventory.0 ends at offset 1, before offset 21"));
  for (int i = 0; i < 30; ++i) anew.commit("a", 1, 1'000 + i);
  EXPECT_THAT(why(positions), HasSubstr("its first record is not the same"));
}

TEST_F(ReplayHistory, SaysWhatCannotBeRead) {
  const auto why = [&](History::Ports ports, const Wanted& wanted) -> std::string {
    try {
      History(std::move(ports), "", "test").read(wanted, [](const LogId&, const Commit&) { return true; }, {});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  Wanted carts;
  carts.contexts = {"carts"};
  EXPECT_THAT(why(ports_of(logs_, {{"inventory", shards}}), carts), HasSubstr("no context carts"));
  auto cut = ports_of(logs_, {{"inventory", shards}});
  cut.extents = [](const std::vector<LogId>& asked) { return std::vector<kafka::Extent>(asked.size(), {10, 20}); };
  EXPECT_THAT(why(cut, {}), HasSubstr("begins at offset 10"));
}

}  // namespace
}  // namespace everfold::replay
