// Two views side by side: what was added, lost and changed, at the ends and where chunks meet.
#include "runtime/views/view_comparison.hpp"

#include <gtest/gtest.h>

#include "runtime/views/memory_view_store.hpp"

namespace everfold {
namespace {

using Part = ViewSnapshot::Part;
using Lines = std::vector<std::string>;

class ViewComparison : public ::testing::Test {
 protected:
  static std::string key(int i) { return "row-" + std::to_string(10'000 + i); }
  // With an index entry each.
  static void put(MemoryViewStore& store, int from, int to) {
    ViewBatch batch;
    for (int i = from; i < to; ++i) {
      batch.rows.emplace_back(key(i), "as it is");
      batch.index_puts.emplace_back("by/" + key(i), key(i));
    }
    store.write(batch);
  }
  static void set(MemoryViewStore& store, int i, std::optional<std::string> row) {
    store.write({{{key(i), std::move(row)}}, {}, {}, {}});
  }
  std::optional<Comparison> compared(const std::function<bool(int64_t)>& go_on = [](int64_t) { return true; }) const {
    return compare(*live_.snapshot(), *rebuilt_.snapshot(), go_on);
  }
  static Lines lines(const Comparison& found, Part part) {
    Lines lines;
    for (const Difference& each : found.differences)
      if (each.part == part)
        lines.push_back(each.key + ": " + each.live.value_or("-") + " → " + each.rebuilt.value_or("-"));
    return lines;
  }

  MemoryViewStore live_, rebuilt_;
};

TEST_F(ViewComparison, EqualViewsHaveNoDifferencesHoweverLong) {
  for (auto* store : {&live_, &rebuilt_}) put(*store, 0, 3'000);
  const auto found = compared();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->same());
  EXPECT_EQ(found->rows.compared, 3'000);
  EXPECT_EQ(found->index.compared, 3'000);
  EXPECT_TRUE(found->differences.empty());
}

TEST_F(ViewComparison, EverythingIsFoundAtTheEndsAndWhereChunksMeet) {
  put(live_, 1, 3'000);
  put(rebuilt_, 0, 2'999);
  set(rebuilt_, 999, "changed");
  set(rebuilt_, 1'000, std::nullopt);
  set(live_, 1'001, std::nullopt);
  const auto found = compared();
  ASSERT_TRUE(found);
  EXPECT_EQ(lines(*found, Part::rows),
            (Lines{"row-10000: - → as it is", "row-10999: as it is → changed", "row-11000: as it is → -",
                   "row-11001: - → as it is", "row-12999: as it is → -"}));
  EXPECT_EQ(lines(*found, Part::index), (Lines{"by/row-10000: - → row-10000", "by/row-12999: row-12999 → -"}));
  EXPECT_EQ(found->rows.compared, 3'000);
  EXPECT_EQ(found->rows.added, 2);
  EXPECT_EQ(found->rows.lost, 2);
  EXPECT_EQ(found->rows.changed, 1);
  EXPECT_EQ(found->index.added, 1);
  EXPECT_EQ(found->index.lost, 1);
  EXPECT_FALSE(found->same());
}

TEST_F(ViewComparison, OfNothingEverythingIsAddedAndInNothingEverythingIsLost) {
  put(rebuilt_, 0, 2'500);
  EXPECT_EQ(compared()->rows.added, 2'500);
  const auto back = compare(*rebuilt_.snapshot(), *live_.snapshot(), [](int64_t) { return true; });
  EXPECT_EQ(back->rows.lost, 2'500);
}

TEST_F(ViewComparison, AnIndexThatDiffersIsEnoughToBeNotTheSame) {
  put(live_, 0, 1);
  put(rebuilt_, 0, 1);
  rebuilt_.write({{}, {{"by/another", key(0)}}, {}, {}});
  const auto found = compared();
  EXPECT_TRUE(found->rows.same());
  EXPECT_FALSE(found->same());
}

TEST_F(ViewComparison, IsStoppedBetweenAThousandKeysAndTheNext) {
  put(live_, 0, 3'000);
  std::vector<int64_t> asked;
  EXPECT_TRUE(compared([&](int64_t rows) {
    asked.push_back(rows);
    return true;
  }));
  EXPECT_EQ(asked, (std::vector<int64_t>{1'000, 2'000, 3'000, 3'000, 3'000, 3'000})) << "the index at last";
  EXPECT_FALSE(compared([](int64_t) { return false; }));
}

TEST_F(ViewComparison, NoMoreIsKeptThanIsAnswered) {
  put(live_, 0, static_cast<int>(Comparison::most_kept) + 1);
  const auto found = compared();
  EXPECT_EQ(found->rows.lost, static_cast<int64_t>(Comparison::most_kept) + 1);
  EXPECT_EQ(found->differences.size(), Comparison::most_kept);
}

TEST_F(ViewComparison, EndsWhereTheVisitorHasEnough) {
  put(live_, 0, 3);
  put(rebuilt_, 1, 4);
  const auto rows_of = [](const ViewReader& reader) {
    return [&reader](std::string_view from, const ViewReader::Visit& visit) { reader.rows("", from, visit); };
  };
  Lines seen;
  const auto visit_until = [&](std::size_t enough) {
    seen.clear();
    return walk_both(rows_of(live_), rows_of(rebuilt_),
                     [&](std::string_view key, const auto& live, const auto& rebuilt) {
                       seen.push_back(std::string(key) + (live ? " live" : "") + (rebuilt ? " rebuilt" : ""));
                       return seen.size() < enough;
                     });
  };
  EXPECT_FALSE(visit_until(2));
  EXPECT_EQ(seen, (Lines{"row-10000 live", "row-10001 live rebuilt"}));
  EXPECT_TRUE(visit_until(5));
  EXPECT_EQ(seen.back(), "row-10003 rebuilt");
}

}  // namespace
}  // namespace everfold
