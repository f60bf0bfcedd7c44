// verify finds each fault that is planted, once, with its place; and nothing where there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/shard.hpp"
#include "tests/unit/replay_scribe.hpp"
#include "tools/replay/verify.hpp"

namespace everfold::replay {
namespace {

using everfold::testing::ports_of;
using everfold::testing::Scribe;
using everfold::testing::stock_event;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class ReplayVerify : public ::testing::Test {
 protected:
  // One event, a commit of its own.
  void add(StoredEvent event) { scribe_.write(event, {1, ++commits_, 1, 1}); }

  void send(const std::string& id, const std::string& cause) {
    Command command;
    command.meta.id = id;
    command.meta.context = "inventory";
    command.meta.aggregate_id = "a";
    command.meta.causation_id = cause;
    command.type = "everfold.inventory.ReserveStock.v1";
    sent_.push_back(command);
  }

  void verify() {
    Integrity integrity({{"inventory", 1}}, [this](const Finding& finding) { findings_.push_back(finding); });
    for (const Command& command : sent_) integrity.know(command);
    integrity.commands_known(all_commands_);
    History history(ports_of(logs_, {{"inventory", 1}}), "", "test");
    history.watch(
        [&](const LogId& log, const RecordView& record, const TailStep& step) { integrity.see(log, record, step); });
    history.read({}, [&](const LogId& log, const Commit& commit) { return integrity.see(log, commit), true; }, {});
    integrity.logs_read();
    for (std::size_t i = 0; i < sent_.size(); ++i) integrity.check({"inventory", 0}, static_cast<int64_t>(i), sent_[i]);
    figures_ = integrity.figures();
  }
  std::vector<std::string> kinds() const {
    std::vector<std::string> kinds;
    for (const Finding& finding : findings_) kinds.emplace_back(finding.kind);
    return kinds;
  }
  void expect_one(const std::string& kind, int64_t offset, const std::string& says) {
    verify();
    ASSERT_THAT(kinds(), ElementsAre(kind)) << findings_.front().says;
    EXPECT_EQ(findings_.front().offset, offset);
    EXPECT_EQ(findings_.front().log, (LogId{"inventory", 0}));
    EXPECT_THAT(findings_.front().says, HasSubstr(says));
    EXPECT_EQ(figures_.findings, 1);
  }

  std::shared_ptr<MemoryLogs> logs_ = std::make_shared<MemoryLogs>();
  Scribe scribe_{logs_, {"inventory", 0}};
  int64_t commits_ = 0;
  std::vector<Command> sent_;
  bool all_commands_ = true;
  std::vector<Finding> findings_;
  Integrity::Figures figures_;

  void SetUp() override { scribe_.term(1); }  // offset 0
};

TEST_F(ReplayVerify, AWellWrittenLogHasNoFindings) {
  add(stock_event("a", 1, "c1"));
  add(stock_event("b", 1, "c2"));
  add(stock_event("a", 2, "c3"));
  scribe_.write(stock_event("b", 2, "c4", 1), {1, 4, 1, 2});
  scribe_.write(stock_event("b", 3, "c4", 2), {1, 4, 2, 2});
  send("c3", "c1.1");
  send("c3", "c1.1");
  verify();
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_EQ(figures_.events, 5);
  EXPECT_EQ(figures_.commits, 4);
  EXPECT_EQ(figures_.aggregates, 2);
  EXPECT_EQ(figures_.by_topic, 1);
  EXPECT_EQ(figures_.by_clients, 4);
  EXPECT_EQ(figures_.caused_commands, 1);
  EXPECT_EQ(figures_.resent_commands, 1);
}

TEST_F(ReplayVerify, AVersionThatIsMissing) {
  add(stock_event("a", 1, "c1"));
  add(stock_event("a", 3, "c2"));
  add(stock_event("a", 4, "c3"));
  expect_one("version", 2, "should be version 2");
}

TEST_F(ReplayVerify, AVersionTwice) {
  add(stock_event("a", 1, "c1"));
  add(stock_event("a", 1, "c2"));
  expect_one("version", 2, "follows version 1");
}

TEST_F(ReplayVerify, AnEventIdTwice) {
  add(stock_event("a", 1, "c1"));
  add(stock_event("b", 1, "c1"));
  expect_one("duplicate", 2, "c1.1");
}

TEST_F(ReplayVerify, AnEventIdThatIsNotItsCommands) {
  auto event = stock_event("a", 1, "c1");
  event.meta.id = "another.1";
  add(event);
  expect_one("id", 1, "should be c1.1");
}

TEST_F(ReplayVerify, AnEventWithoutACause) {
  auto event = stock_event("a", 1, "c1");
  event.meta.causation_id.clear();
  add(event);
  expect_one("causation", 1, "names no command");
}

TEST_F(ReplayVerify, ATranslatorsCommandThatNobodySent) {
  auto event = stock_event("a", 1, "c1");
  event.meta.actor = "translator:checkout-inventory";
  add(event);
  expect_one("causation", 1, "not in the command topic");
}

TEST_F(ReplayVerify, ATranslatorsCommandThatMayHaveBeenDeletedIsOnlyCounted) {
  auto event = stock_event("a", 1, "c1");
  event.meta.actor = "process:checkout";
  add(event);
  all_commands_ = false;
  verify();
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_EQ(figures_.unknown_origin, 1);
}

TEST_F(ReplayVerify, ACommandWhoseCauseNeverHappened) {
  add(stock_event("a", 1, "c1"));
  send("c2", "c1.1");
  send("c3", "never.1");
  expect_one("causation", 1, "never.1, which is in no log");
  EXPECT_TRUE(findings_.front().in_commands);
}

TEST_F(ReplayVerify, AVoidEventCausesNothing) {
  scribe_.term(2);
  scribe_.write(stock_event("a", 1, "c1"), {1, 1, 1, 1});  // fenced
  send("c2", "c1.1");
  expect_one("causation", 0, "c1.1, which is in no log");
}

TEST_F(ReplayVerify, AnEventOfALaterVersion) {
  auto event = stock_event("a", 1, "c1");
  event.meta.type = "everfold.inventory.StockTeleported.v1";
  add(event);
  expect_one("type", 1, "StockTeleported");
}

TEST_F(ReplayVerify, BytesThatAreNoMessage) {
  auto event = stock_event("a", 1, "c1");
  event.bytes = "\xff\xff\xff";
  add(event);
  expect_one("type", 1, "cannot be decoded");
}

TEST_F(ReplayVerify, AnEventWithoutATime) {
  add(stock_event("a", 1, "c1", 1, 0));
  expect_one("time", 1, "has no time");
}

TEST_F(ReplayVerify, ACommandWithTwoTimes) {
  scribe_.write(stock_event("a", 1, "c1", 1, 1'000), {1, 1, 1, 2});
  scribe_.write(stock_event("a", 2, "c1", 2, 2'000), {1, 1, 2, 2});
  expect_one("time", 2, "1970-01-01T00:00:02.000Z");
}

TEST_F(ReplayVerify, AnAggregateInAnothersLog) {
  std::string stranger = "a";
  while (shard_of(stranger, 2) == 0) stranger += "a";
  auto event = stock_event(stranger, 1, "c1");
  Integrity integrity({{"inventory", 2}}, [this](const Finding& finding) { findings_.push_back(finding); });
  event.offset = 7;
  integrity.see({"inventory", 0}, Commit{{1, 1, 1, 1}, {event}});
  ASSERT_THAT(kinds(), ElementsAre("shard"));
  EXPECT_EQ(findings_.front().offset, 7);
}

TEST_F(ReplayVerify, ClocksThatGoBackAreCounted) {
  add(stock_event("a", 1, "c1", 1, 9'000));
  add(stock_event("b", 1, "c2", 1, 8'500));
  verify();
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_EQ(figures_.backwards, 1);
  EXPECT_EQ(figures_.most_backwards_ms, 500);
}

TEST_F(ReplayVerify, VoidRecordsAreCountedByKind) {
  add(stock_event("a", 1, "c1"));
  scribe_.stray({1, 1, 1, 1});  // duplicate
  scribe_.rubbish();
  scribe_.stray({1, 2, 1, 3});  // collecting
  scribe_.stray({1, 2, 2, 3});
  scribe_.term(2);              // half a commit
  scribe_.stray({1, 2, 3, 3});  // fenced
  scribe_.term(1);              // ignored
  scribe_.stray({2, 5, 1, 1});  // gap
  scribe_.term(3);
  scribe_.stray({3, 1, 1, 2});  // not whole yet
  verify();
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_THAT(figures_.void_records,
              UnorderedElementsAre(Pair("duplicate", 1), Pair("nobody's", 1), Pair("half a commit", 2),
                                   Pair("fenced", 1), Pair("TermStarted of an old term", 1), Pair("gap", 1)));
  EXPECT_EQ(figures_.unfinished, 1);
  EXPECT_EQ(figures_.terms, 3);
  EXPECT_EQ(figures_.events, 1);
}

TEST_F(ReplayVerify, SaysWhere) {
  const Finding finding{"version", {"inventory", 3}, 42, false, "says"};
  kafka::KafkaOptions kafka;
  kafka.prefix = "shop";
  EXPECT_EQ(finding_text(finding, kafka), "shop.inventory.events partition 3 offset 42  version: says");
  EXPECT_EQ(finding_json(finding, kafka),
            R"({"finding":"version","topic":"shop.inventory.events","partition":3,"offset":42,"says":"says"})");
}

TEST(IdTable, KnowsWhatWasPutIn) {
  IdTable table;
  for (int i = 0; i < 100'000; ++i) EXPECT_TRUE(table.insert("id-" + std::to_string(i)));
  for (int i = 0; i < 100'000; ++i) EXPECT_FALSE(table.insert("id-" + std::to_string(i)));
  EXPECT_FALSE(table.contains("other"));
  EXPECT_EQ(table.size(), 100'000u);
  table["id-5"] = 7;
  EXPECT_EQ(table["id-5"], 7);
  EXPECT_LE(table.bytes(), 100'000u * 52);
}

}  // namespace
}  // namespace everfold::replay
