// The parking topic and its fold: records that are lost, late, twice, or nobody's; and what operators see.
#include "runtime/parking/parking.hpp"

#include "tests/unit/group_fakes.hpp"

namespace everfold {
namespace {

using Kind = ParkingRecord::Kind;
using Strings = std::vector<std::string>;
const LogId orders0{"orders", 0};
const LogId topic0{"consumer", 0};

class ParkingTest : public ::testing::Test {
 protected:
  ParkingTest() { restart(); }
  void restart() {
    parts_ = std::make_unique<ParkingParts>(group_, topic_, now_ms_, options_);
    parking().assigned(orders0);
    steps();
  }
  Parking& parking() { return parts_->parking; }
  void steps(int64_t after_ms = 0) {
    now_ms_ += after_ms;
    for (int i = 0; i < 5; ++i) parking().step(0);
  }
  void park(int64_t offset, const std::string& aggregate, std::optional<Code> code = Code::internal) {
    Parked parked;
    parked.at = {orders0, offset};
    parked.aggregate_id = aggregate;
    const Rejection why = reject(code.value_or(Code::internal), "why");
    parking().park(std::move(parked), code ? &why : nullptr);
  }
  Strings due() {
    Strings all;
    for (const Parking::Due& due : parking().due())
      for (const ParkedId& id : due.ids) all.push_back(to_string(id));
    return all;
  }

  Group group_;
  std::shared_ptr<MemoryLogs> topic_ = std::make_shared<MemoryLogs>();
  int64_t now_ms_ = 1'000'000;
  Parking::Options options_;
  std::unique_ptr<ParkingParts> parts_;
};

TEST_F(ParkingTest, CountsWhenItIsReadBackButClosesAtOnce) {
  parts_->appender.linger(true);
  park(1, "x");
  EXPECT_TRUE(parking().closed(orders0, "x"));
  EXPECT_FALSE(parking().closed(orders0, "y"));
  EXPECT_TRUE(parking().known({orders0, 1}));
  EXPECT_EQ(parking().unconfirmed(orders0), 1);
  EXPECT_TRUE(parking().busy());
  parts_->appender.deliver();
  steps();
  EXPECT_FALSE(parking().unconfirmed(orders0));
  EXPECT_FALSE(parking().busy());
  EXPECT_TRUE(parking().closed(orders0, "x"));
}

TEST_F(ParkingTest, WhatIsLostIsWrittenAgain) {
  parts_->appender.lose(1);
  park(1, "x");
  steps(options_.append_again_ms);
  EXPECT_FALSE(parking().unconfirmed(orders0));
  parts_->appender.linger(true);
  park(2, "y");
  parts_->appender.doubt();  // the producer gives up; what it had may arrive late
  steps();
  parts_->appender.deliver();
  steps();
  EXPECT_FALSE(parking().unconfirmed(orders0)) << "the next producer had it at once";
  parts_->appender.deliver_orphans();
  steps();
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 refused 1 +0", "orders.0:2 refused 1 +0"}));
  EXPECT_FALSE(parking().busy());
}

TEST_F(ParkingTest, WhatIsOnItsWayForLongIsNotWrittenAgain) {
  const int64_t before = topic_->end(topic0);
  parts_->appender.linger(true);
  park(1, "x");
  for (int i = 0; i < 10; ++i) steps(options_.append_again_ms);
  parts_->appender.deliver();
  steps(options_.append_again_ms);
  EXPECT_EQ(topic_->end(topic0), before + 1);
  EXPECT_FALSE(parking().busy());
}

TEST_F(ParkingTest, ABarrierThatIsLostIsSentAgain) {
  parts_ = std::make_unique<ParkingParts>(group_, topic_, now_ms_, options_);
  parts_->appender.lose(1);
  parking().assigned(orders0);
  steps();
  EXPECT_FALSE(parking().ready(orders0));
  steps(options_.append_again_ms);
  EXPECT_TRUE(parking().ready(orders0));
}

TEST_F(ParkingTest, AnotherNodesBarrierIsNotMine) {
  parts_->appender.linger(true);
  parking().assigned(orders0);
  ParkingParts other(group_, topic_, now_ms_, options_);
  other.parking.assigned(orders0);
  steps();
  EXPECT_FALSE(parking().ready(orders0));
}

TEST_F(ParkingTest, TheSameRecordTwiceIsOneEntry) {
  park(1, "x");
  park(1, "x");
  steps();
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 refused 1 +0"}));
  parking().ask(Kind::retry, {orders0, 1}, {}, nullptr);
  steps();
  EXPECT_EQ(due(), (Strings{"orders.0:1"}));
  parking().handled({orders0, 1});
  steps();
  EXPECT_FALSE(parking().closed(orders0, "x"));
}

TEST_F(ParkingTest, WhatIsNobodysOrUnreadableIsPassedOver) {
  topic_->append(topic0, {"parked:orders:7", "\xff\xff\xff", {}});
  topic_->append(topic0, {"parked:orders:x", "", {}});
  topic_->append(topic0, {"hello", "world", {}});
  topic_->append(topic0, {"", "", {}});
  park(1, "x");
  steps();
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 refused 1 +0"}));
}

TEST_F(ParkingTest, KeysThatAreNoTextAreParkedToo) {
  park(1, std::string("\xff\x00\x80", 3));
  steps();
  restart();
  EXPECT_EQ(parking().find({orders0, 1})->parked.aggregate_id, std::string("\xff\x00\x80", 3));
}

TEST_F(ParkingTest, OneAggregatesAreDueInOrderAndInTheirConsumersHandsUntilItHasSpoken) {
  park(1, "x", Code::unavailable);
  park(2, "x", std::nullopt);
  park(3, "y", Code::unavailable);
  steps();
  EXPECT_TRUE(due().empty());
  now_ms_ += 1'200;
  EXPECT_EQ(due(), (Strings{"orders.0:1", "orders.0:2", "orders.0:3"}));
  EXPECT_TRUE(due().empty());
  parking().handled({orders0, 1});
  parking().failed({orders0, 2}, reject(Code::internal, "no"));
  parking().release({orders0, 3}, 500);
  steps();
  EXPECT_TRUE(due().empty());
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:2 refused 1 +0", "orders.0:3 unavailable 1 +0"}));
  now_ms_ += 500;
  EXPECT_EQ(due(), (Strings{"orders.0:3"}));
}

TEST_F(ParkingTest, WhatHasItsOwnTimeWaitsForIt) {
  park(1, "x", Code::unavailable);
  park(2, "x", Code::unavailable);
  parking().ask(Kind::looked, {orders0, 1}, {"me", "", 0}, nullptr);
  steps();
  parking().ask(Kind::skip, {orders0, 2}, {"me", "", 0}, nullptr);  // not its turn yet
  steps(600);
  steps(600);  // that word has not put the first off
  EXPECT_EQ(due(), (Strings{"orders.0:1"}));
  parking().handled({orders0, 1});
  steps();
  EXPECT_TRUE(due().empty());
  EXPECT_EQ(parts_->told.back(), "skipped orders.0:2");
}

TEST_F(ParkingTest, ANewOwnerTriesAllOfAnAggregateAndInOrder) {
  park(1, "x");
  park(2, "x");
  steps();
  EXPECT_TRUE(due().empty());
  restart();
  EXPECT_EQ(due(), (Strings{"orders.0:1", "orders.0:2"}));
}

TEST_F(ParkingTest, ThoseThatWereParkedTogetherDoNotComeBackTogether) {
  for (int64_t offset = 0; offset < 50; ++offset) park(offset, "key " + std::to_string(offset), Code::unavailable);
  steps();
  std::set<int64_t> times;
  for (int i = 0; i < 400 && times.size() < 5; ++i, ++now_ms_)
    if (due().empty()) now_ms_ = std::max(now_ms_, parking().next_due_ms() - 1);
    else times.insert(now_ms_);
  EXPECT_EQ(times.size(), 5u);
}

TEST_F(ParkingTest, ManyAreTriedAFewAtATime) {
  for (int64_t offset = 0; offset < 250; ++offset) park(offset, "key " + std::to_string(offset));
  steps();
  restart();  // a new owner tries everything
  std::size_t most = 0, all = 0;
  for (int i = 0; i < 5; ++i) {
    const std::size_t now = due().size();
    most = std::max(most, now);
    all += now;
  }
  EXPECT_EQ(most, options_.most_at_once);
  EXPECT_EQ(all, 250u);
}

TEST_F(ParkingTest, OnlyAnOwnerActs) {
  park(1, "x", Code::unavailable);
  steps();
  parking().revoked(orders0);
  parking().ask(Kind::skip, {orders0, 1}, {"me", "why", 0}, nullptr);
  steps(5'000);
  EXPECT_TRUE(due().empty());
  EXPECT_EQ(parts_->listed().size(), 1u) << "every node shows it, and writes down what is asked";
  EXPECT_TRUE(parking().find({orders0, 1})->skip_asked);
  EXPECT_EQ(parking().counts()["orders"].records, 0u) << "and one node counts it";
  parking().assigned(orders0);
  steps();
  EXPECT_TRUE(parts_->listed().empty());
}

TEST_F(ParkingTest, ASkipIsNotForgottenWhenItsRecordWasInTheConsumersHands) {
  park(1, "x", Code::unavailable);
  steps();
  now_ms_ += 1'200;
  EXPECT_EQ(due(), (Strings{"orders.0:1"}));
  parking().ask(Kind::skip, {orders0, 1}, {"me", "why", 0}, nullptr);
  steps();
  parking().release({orders0, 1});
  steps(2'000);
  EXPECT_TRUE(due().empty());
  EXPECT_TRUE(parts_->listed().empty());
}

// A record that Kafka does not take would be appended, by one producer after another, for ever.
TEST_F(ParkingTest, WhatIsWrittenIsSmallWhateverTheRecordHad) {
  const std::string huge(2'000'000, 'x');
  Parked parked;
  parked.at = {orders0, 1};
  parked.aggregate_id = parked.type = parked.id = parked.correlation_id = huge;
  const Rejection why = reject(Code::internal, huge);
  parking().park(std::move(parked), &why);
  EXPECT_TRUE(parking().closed(orders0, huge));
  parking().ask(Kind::skip, {orders0, 1}, {huge, huge, 0}, nullptr);
  steps();
  EXPECT_TRUE(parts_->listed().empty());
  for (int64_t offset = 0; offset < topic_->end(topic0); ++offset)
    EXPECT_LT(topic_->at(topic0, offset)->value.size(), 20'000u) << offset;
}

TEST_F(ParkingTest, ALogThatIsTakenAwayLeavesNothingBehind) {
  park(1, "x", Code::unavailable);
  steps();
  now_ms_ += 1'200;
  EXPECT_EQ(due(), (Strings{"orders.0:1"}));
  parts_->appender.linger(true);
  park(2, "y");
  parking().revoked(orders0);
  EXPECT_FALSE(parking().busy());
  EXPECT_FALSE(parking().unconfirmed(orders0));
  EXPECT_FALSE(parking().known({orders0, 2}));
  EXPECT_FALSE(parking().closed(orders0, "y"));
  parts_->appender.linger(false);
  parking().assigned(orders0);
  steps();
  EXPECT_EQ(due(), (Strings{"orders.0:1", "orders.0:2"})) << "the second had left before";
}

TEST_F(ParkingTest, AWishOutlivesARebalance) {
  park(1, "x");
  steps();
  std::vector<bool> answers;
  parts_->appender.linger(true);
  parking().ask(Kind::retry, {orders0, 1}, {}, [&](bool noted) { answers.push_back(noted); });
  steps();
  parking().revoked(orders0);
  parts_->appender.deliver();
  steps();
  EXPECT_EQ(answers, (std::vector<bool>{true}));
}

TEST_F(ParkingTest, AWishIsAnsweredWhenItIsInTheTopicOrTooLate) {
  park(1, "x");
  steps();
  std::vector<bool> answers;
  const auto answer = [&](bool noted) { answers.push_back(noted); };
  parking().ask(Kind::retry, {orders0, 1}, {}, answer);
  steps();
  parts_->appender.linger(true);
  parking().ask(Kind::retry, {orders0, 1}, {"somebody", "", 0}, answer);
  steps();
  EXPECT_EQ(answers, (std::vector<bool>{true}));
  steps(options_.ask_timeout_ms + 1);
  EXPECT_EQ(answers, (std::vector<bool>{true, false}));
}

TEST_F(ParkingTest, SaysHowLongNobodyHasLooked) {
  park(1, "x");
  steps();
  now_ms_ += 60'000;
  park(2, "y");
  park(3, "y", std::nullopt);
  steps(60'000);
  EXPECT_EQ(parking().counts()["orders"].keys, 2u);
  EXPECT_EQ(parking().counts()["orders"].records, 3u);
  EXPECT_EQ(parking().counts()["orders"].unlooked_ms, 120'000);
  EXPECT_EQ(parking().counts()["carts"].records, 0u) << "so that a gauge goes back to 0";
  parking().ask(Kind::looked, {orders0, 1}, {"admin-1", "", 0}, nullptr);
  steps();
  EXPECT_EQ(parking().counts()["orders"].unlooked_ms, 60'000);
  EXPECT_EQ(parking().counts()["orders"].oldest_ms, 120'000);
  EXPECT_EQ(parking().find({orders0, 1})->looked->by, "admin-1");
}

TEST_F(ParkingTest, WhatWasAskedAboutARecordEndsWithIt) {
  park(1, "x", Code::unavailable);
  steps();
  parking().ask(Kind::looked, {orders0, 1}, {"admin-1", "", 0}, nullptr);
  parking().ask(Kind::retry, {orders0, 1}, {"admin-1", "", 0}, nullptr);
  steps();
  EXPECT_EQ(due(), (Strings{"orders.0:1"}));
  parking().handled({orders0, 1});
  steps();
  const auto slots = [&] {
    ParkedTable table;
    for (int64_t offset = 0; offset < topic_->end(topic0); ++offset) {
      const auto record = *topic_->at(topic0, offset);
      if (const auto parsed = parking_record_of(0, record.key, record.value)) table.apply(*parsed);
    }
    return table.slots().size();
  };
  EXPECT_EQ(slots(), 0u);
  topic_->append(topic0, parking_record({Kind::retry, {orders0, 1}, std::nullopt, Asked{"late", "", 1}}));
  EXPECT_EQ(slots(), 1u);
  restart();
  EXPECT_EQ(slots(), 0u);
}

TEST(ParkedIds, RoundTrip) {
  const ParkedId id{{"orders", 3}, 1042};
  EXPECT_EQ(to_string(id), "orders.3:1042");
  EXPECT_EQ(parse_parked_id("orders.3:1042"), id);
  for (const char* wrong : {"", "orders", "orders.3", "orders:3", ".3:1", "orders.:1", "orders.3:", "orders.x:1", "orders.3:-1"})
    EXPECT_FALSE(parse_parked_id(wrong)) << wrong;
}

}  // namespace
}  // namespace everfold
