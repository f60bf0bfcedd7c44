// What every EventIndex must do: run for the one in memory and for RocksDB's.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "platform/rocksdb/event_index.hpp"
#include "runtime/writer/memory_event_index.hpp"

namespace everfold {
namespace {

std::filesystem::path scratch() {
  const auto path = std::filesystem::temp_directory_path() /
                    ("everfold-index-" + std::to_string(::getpid()) + "-" +
                     testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::remove_all(path);
  return path;
}

void fail_if_said(std::string_view sentence) { ADD_FAILURE() << sentence; }

struct Kind {
  const char* name;
  bool durable;
};

StoredEvent event(const std::string& id, int64_t version, const std::string& command, int64_t offset) {
  StoredEvent made;
  made.meta = {command + "." + std::to_string(version), "everfold.orders.OrderPlaced.v1", "orders", id, version, 1700, "corr",
               command, "trace", "actor"};
  made.bytes = std::string("\0bytes", 6);
  made.digest = "digest";
  made.offset = offset;
  return made;
}

class EventIndexContract : public testing::TestWithParam<Kind> {
 protected:
  EventIndexContract() : directory_(scratch()) { reopen(); }
  ~EventIndexContract() override {
    index_.reset();
    std::filesystem::remove_all(directory_);
  }
  void reopen() {
    if (!GetParam().durable) {
      if (!index_) index_ = std::make_unique<MemoryEventIndex>();
      return;
    }
    index_.reset();
    index_ = rocks::open_event_index(directory_, fail_if_said);
  }
  EventIndex& index() { return *index_; }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<EventIndex> index_;
};

TEST_P(EventIndexContract, KeepsEventsByAggregateAndVersion) {
  index().write({{event("o1", 1, "c1", 10), event("o1", 2, "c2", 12), event("o10", 1, "c3", 13)}, {}, {}, {}});
  reopen();
  const auto all = index().events("orders", "o1", 1, 100);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].meta.version, 2);
  EXPECT_EQ(all[1].meta.id, "c2.2");
  EXPECT_EQ(all[1].meta.type, "everfold.orders.OrderPlaced.v1");
  EXPECT_EQ(all[1].meta.correlation_id, "corr");
  EXPECT_EQ(all[1].meta.causation_id, "c2");
  EXPECT_EQ(all[1].meta.traceparent, "trace");
  EXPECT_EQ(all[1].meta.actor, "actor");
  EXPECT_EQ(all[1].meta.time_ms, 1700);
  EXPECT_EQ(all[1].bytes, std::string("\0bytes", 6));
  EXPECT_EQ(all[1].digest, "digest");
  EXPECT_EQ(all[1].offset, 12);
  EXPECT_EQ(index().events("orders", "o1", 2, 100).size(), 1u);
  EXPECT_EQ(index().events("orders", "o1", 1, 1).size(), 1u);
  EXPECT_TRUE(index().events("carts", "o1", 1, 100).empty());
}

TEST_P(EventIndexContract, KnowsACommandByItsIdWithAllOfItsEvents) {
  index().write({{event("o1", 1, "c1", 10), event("o1", 2, "c1", 11), event("o1", 3, "c2", 12)}, {}, {}, {}});
  reopen();
  const auto known = index().command("c1");
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->first_version, 1);
  EXPECT_EQ(known->last_version, 2);
  EXPECT_EQ(known->context, "orders");
  EXPECT_EQ(known->aggregate_id, "o1");
  EXPECT_EQ(known->digest, "digest");
  EXPECT_FALSE(index().command("c").has_value());
}

TEST_P(EventIndexContract, KeepsPositions) {
  const LogId log{"orders", 3};
  EXPECT_EQ(index().position(log), LogPosition{});
  index().write({{}, {{log, {42, 3, 7}}}, {}, {}});
  reopen();
  EXPECT_EQ(index().position(log), (LogPosition{42, 3, 7}));
  EXPECT_EQ(index().position({"orders", 30}), LogPosition{});
  EXPECT_EQ(index().owner(log), "");
  index().write({{}, {}, {}, {}, {{log, "http://other:1"}}});
  EXPECT_EQ(index().owner(log), "http://other:1");
  EXPECT_EQ(index().owner({"orders", 30}), "");
}

TEST_P(EventIndexContract, KeepsTimersUntilTheyAreCleared) {
  const LogId log{"checkout", 1};
  index().write({{}, {}, {{log, "o1", 100}, {log, "o2", 200}, {{"checkout", 10}, "o3", 5}}, {}});
  index().write({{}, {}, {{log, "o1", std::nullopt}}, {}});
  reopen();
  EXPECT_EQ(index().timers(log), (std::vector<std::pair<std::string, int64_t>>{{"o2", 200}}));
}

TEST_P(EventIndexContract, KeepsTheLastSnapshot) {
  EXPECT_FALSE(index().snapshot("inventory", "apple").has_value());
  index().write({{}, {}, {}, {{"inventory", "apple", 5, 1, "five"}}});
  index().write({{}, {}, {}, {{"inventory", "apple", 9, 2, "nine"}}});
  reopen();
  const auto snapshot = index().snapshot("inventory", "apple");
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->version, 9);
  EXPECT_EQ(snapshot->code_version, 2);
  EXPECT_EQ(snapshot->bytes, "nine");
}

INSTANTIATE_TEST_SUITE_P(Stores, EventIndexContract, testing::Values(Kind{"Memory", false}, Kind{"RocksDB", true}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(RocksEventIndex, ADirectoryInUseIsRefusedWithTheRemedy) {
  const auto directory = scratch();
  {
    const auto first = rocks::open_event_index(directory, fail_if_said);
    try {
      rocks::open_event_index(directory, fail_if_said);
      ADD_FAILURE() << "opened twice";
    } catch (const std::runtime_error& e) {
      EXPECT_NE(std::string(e.what()).find("another process"), std::string::npos) << e.what();
    }
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace everfold
