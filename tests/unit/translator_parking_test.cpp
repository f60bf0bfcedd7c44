// Translators whose events cannot be handled: what is parked, what goes on, and what a crash at each step costs.
#include <algorithm>

#include "tests/unit/translator_runner.hpp"

namespace everfold {
namespace {

class ParkedEvents : public Runner {
 protected:
  // x: a, c; y: b, d; all in orders.0.
  ParkedEvents() {
    term(orders0, 1);
    commit(orders0, 1, 1, {"a"}, 1, "x");
    commit(orders0, 1, 2, {"b"}, 1, "y");
    commit(orders0, 1, 3, {"c"}, 1, "x");
    commit(orders0, 1, 4, {"d"}, 1, "y");
    code_ = Code::internal;
  }
  void ask(ParkingRecord::Kind kind, int64_t offset) {
    parts_->parking.ask(kind, {orders0, offset}, {"admin-1", "because", 0}, nullptr);
  }
  long asked_about(const std::string& event) const { return std::ranges::count(reacted_, event); }
};

using Kind = ParkingRecord::Kind;

TEST_F(ParkedEvents, AnEventThatCannotBeHandledParksItsAggregateAndNoOther) {
  refused_ = {"a"};
  settle();
  EXPECT_EQ(sent(), (Strings{"do b", "do d"}));
  EXPECT_EQ(position(orders0), "5 1.5") << "what is parked is not in the way";
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 refused 1 +1"}));
  EXPECT_EQ(asked_about("c"), 0) << "it waits behind a";
  const auto found = parts_->parking.find({orders0, 1});
  EXPECT_EQ(found->parked.aggregate_id, "x");
  EXPECT_EQ(found->parked.id, "a");
  EXPECT_EQ(found->parked.message, "not now");
  EXPECT_TRUE(errors_.empty());
}

TEST_F(ParkedEvents, OfACommitWhatCameBeforeIsSentAndWhatComesAfterIsParkedToo) {
  commit(orders0, 1, 5, {"e1", "e2", "e3"}, 3, "z");
  refused_ = {"e2"};
  settle();
  EXPECT_EQ(sent(), (Strings{"do a", "do b", "do c", "do d", "do e1"}));
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:6 refused 1 +1"}));
  EXPECT_EQ(position(orders0), "8 1.6");
}

TEST_F(ParkedEvents, TheSameAggregateIdInAnotherContextIsAnotherKey) {
  term(carts0, 1);
  commit(carts0, 1, 1, {"cart of x"}, 1, "x");
  refused_ = {"a"};
  settle();
  EXPECT_EQ(sent(), (Strings{"do cart of x", "shadow cart of x", "do b", "do d"}));
}

TEST_F(ParkedEvents, WhatNeedsSomebodyIsNotTriedByItself) {
  refused_ = {"a"};
  settle();
  refused_.clear();
  settle(24 * 3'600'000);
  EXPECT_EQ(asked_about("a"), 1);
}

TEST_F(ParkedEvents, ARetryHandlesTheParkedOnesInOrderAndOpensTheAggregate) {
  refused_ = {"a"};
  settle();
  refused_.clear();
  ask(Kind::retry, 1);
  settle();
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
  EXPECT_TRUE(parts_->listed().empty());
  EXPECT_EQ(parts_->told, (Strings{"parked orders.0:1", "handled orders.0:1"}));
  commit(orders0, 1, 5, {"e"}, 1, "x");
  settle();
  EXPECT_EQ(sent().back(), "do e");
}

TEST_F(ParkedEvents, ARetryInVainSaysSoAndStaysParked) {
  refused_ = {"a"};
  settle();
  ask(Kind::retry, 1);
  settle();
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 refused 2 +1"}));
  EXPECT_FALSE(parts_->parking.find({orders0, 1})->retry_asked);
  EXPECT_EQ(parts_->told, (Strings{"parked orders.0:1", "tried in vain orders.0:1"}));
  EXPECT_EQ(asked_about("a"), 2);
  EXPECT_EQ(asked_about("c"), 0);
}

TEST_F(ParkedEvents, ANewProgramTriesEverythingOnceBecauseItMayKnowMore) {
  refused_ = {"a"};
  settle();
  refused_ = {"c"};  // the fix
  restart();
  settle();
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a"}));
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:3 refused 1 +0"}));
}

TEST_F(ParkedEvents, ASkipGivesTheFirstUpForGoodAndTheNextGoesOn) {
  refused_ = {"a"};
  settle();
  ask(Kind::skip, 1);
  settle();
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do c"}));
  EXPECT_TRUE(parts_->listed().empty());
  EXPECT_EQ(parts_->listed(/*skipped=*/true), (Strings{"orders.0:1 refused 1 +0"}));
  const auto audit = parts_->parking.find({orders0, 1})->parked.skipped;
  EXPECT_EQ(audit->by + ": " + audit->reason, "admin-1: because");
  group_.positions[orders0] = {};  // as if its position had not been kept: read again, it is known
  refused_.clear();
  restart();
  settle();
  EXPECT_EQ(asked_about("a"), 1);
  settle(parking_options_.skipped_kept_ms - 120'000);
  EXPECT_EQ(parts_->listed(true).size(), 1u);
  settle(180'000);
  EXPECT_TRUE(parts_->listed(true).empty());
}

TEST_F(ParkedEvents, WhatIsOfAPartitionThatWasTakenAwayIsLeftToItsNextMember) {
  refused_ = {"a"};
  settle();
  source_->revoke(orders0);
  settle();
  ask(Kind::retry, 1);
  settle();
  EXPECT_EQ(asked_about("a"), 1);
  EXPECT_FALSE(parts_->parking.ready(orders0));
  EXPECT_EQ(parts_->parking.counts()["orders"].records, 0u);
}

// ---- what may pass

TEST_F(ParkedEvents, WhatMayPassIsTriedAgainAfter1And2And4SecondsAndThenMoreSeldom) {
  code_ = Code::unavailable;
  refused_ = {"a"};
  settle();
  std::vector<int64_t> after_s;
  int64_t last_ms = now_ms_;
  for (int64_t waited_ms = 0; waited_ms < 2'000'000; waited_ms += 100) {
    const auto before = asked_about("a");
    step(100);
    if (asked_about("a") == before) continue;
    after_s.push_back((now_ms_ - last_ms + 500) / 1000);
    last_ms = now_ms_;
  }
  ASSERT_GE(after_s.size(), 10u);
  const std::vector<int64_t> expected{1, 2, 4, 8, 16, 32, 64, 128, 256, 300};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_GE(after_s[i] * 100, expected[i] * 89 - 50) << i;
    EXPECT_LE(after_s[i] * 100, expected[i] * 111 + 50) << i;
  }
  EXPECT_EQ(sent(), (Strings{"do b", "do d"}));
  refused_.clear();
  settle(331'000);
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"})) << "it is never given up";
}

TEST_F(ParkedEvents, AnAnswerThatDoesNotComeInTimeIsAwaitedParked) {
  later_ = "a";
  settle();
  EXPECT_EQ(position(orders0), "0 ");
  for (int i = 0; i < 300; ++i) step(30);
  EXPECT_EQ(position(orders0), "5 1.5") << "nothing is in the way for longer";
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 unavailable 1 +1"}));
  later_.clear();
  settle(1'000);
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
}

TEST_F(ParkedEvents, ARecordThatCannotBeReadAgainIsTriedLater) {
  refused_ = {"a"};
  settle();
  refused_.clear();
  parts_->fetcher.away = true;
  ask(Kind::retry, 1);
  settle();
  EXPECT_EQ(asked_about("a"), 1);
  parts_->fetcher.away = false;
  settle(1'000);
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
}

TEST_F(ParkedEvents, RecordsThatCannotBeReadAgainCostOneTimeoutAStep) {
  refused_ = {"a", "b"};
  settle();
  parts_->fetcher.away = true;
  ask(Kind::retry, 1);
  ask(Kind::retry, 2);
  step();
  EXPECT_EQ(parts_->fetcher.fetched, 1);
  parts_->fetcher.away = false;
  refused_.clear();
  settle(1'000);
  EXPECT_EQ(sent().size(), 4u);
}

TEST_F(ParkedEvents, TooMuchThatIsParkedHoldsUpItsPartitionInsteadOfParkingMore) {
  parking_options_.most_open = 2;
  restart();
  refused_ = {"a", "b"};
  settle();
  EXPECT_EQ(parts_->listed().size(), 2u);
  EXPECT_EQ(position(orders0), "3 1.3");
  EXPECT_NE(errors_.at(0).find("orders.0: too much of it is parked"), std::string::npos);
  term(orders1, 1);
  commit(orders1, 1, 1, {"elsewhere"});
  settle();
  EXPECT_EQ(sent(), (Strings{"do elsewhere"}));
  refused_.clear();
  ask(Kind::retry, 1);
  ask(Kind::retry, 2);
  settle();
  settle(options_.backoff_max_ms);
  EXPECT_EQ(sent(), (Strings{"do elsewhere", "do a", "do b", "do c", "do d"}));
}

// ---- crashes

TEST_F(ParkedEvents, ThePositionWaitsUntilWhatIsParkedIsReadBack) {
  refused_ = {"a"};
  step();  // the barrier has come back
  parts_->appender.linger(true);
  commit(orders0, 1, 5, {"e"}, 1, "z");
  commit(orders0, 1, 6, {"f"}, 1, "z");
  refused_ = {"e"};
  settle();
  EXPECT_EQ(position(orders0), "5 1.5");
  EXPECT_EQ(asked_about("f"), 0) << "parked behind it already";
  parts_->appender.deliver();
  settle();
  EXPECT_EQ(position(orders0), "7 1.7");
  EXPECT_EQ(parts_->listed().back(), "orders.0:5 refused 1 +1");
}

TEST_F(ParkedEvents, ACrashBeforeTheParkedRecordIsWrittenMeetsTheEventAgain) {
  step();
  parts_->appender.linger(true);
  refused_ = {"e"};
  commit(orders0, 1, 5, {"e"}, 1, "z");
  settle();
  restart();
  EXPECT_TRUE(parts_->listed().empty());
  settle();
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:5 refused 1 +0"}));
}

TEST_F(ParkedEvents, ACrashBetweenTheParkedRecordAndThePositionParksItOnce) {
  refused_ = {"a"};
  settle();
  const auto entries = topic_->end({"consumer", 0});
  group_.positions[orders0] = {};  // the position was not committed
  sender_.sent.clear();
  restart();
  settle();
  settle(300);  // by then its position has passed it again
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:1 refused 2 +1"})) << "tried by the new program, in vain";
  EXPECT_EQ(sent(), (Strings{"do b", "do d"})) << "again: their ids are known";
  EXPECT_EQ(topic_->end({"consumer", 0}), entries + 3) << "two barriers and one try";
}

TEST_F(ParkedEvents, WhatWasHandledBeforeAParkedOneIsHarmlessWhenItIsReadAgain) {
  refused_ = {"c"};
  settle();
  group_.positions[orders0] = {};
  restart();
  settle();  // a is read again while x is closed: it queues, before c
  settle(300);
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:3 refused 2 +0"}));
  EXPECT_EQ(std::ranges::count(sent(), "do a"), 2);
  std::set<std::string> ids;
  for (const CommandMeta& meta : sender_.sent) ids.insert(meta.id);
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(ParkedEvents, ACrashBetweenTheRetrysCommandsAndItsTombstoneRepeatsThem) {
  refused_ = {"a"};
  settle();
  refused_.clear();
  ask(Kind::retry, 1);
  parts_->parking.step(0);  // the wish is in the topic …
  parts_->appender.linger(true);
  settle();  // … and is done, but the tombstones never leave
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
  restart();
  settle();
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c", "do a", "do c"}));
  EXPECT_TRUE(parts_->listed().empty());
}

TEST_F(ParkedEvents, RetriedCommandsThatAreNotAcknowledgedAreSentAgain) {
  refused_ = {"a"};
  settle();
  refused_.clear();
  sender_.failures = 1;
  ask(Kind::retry, 1);
  settle();
  EXPECT_EQ(sent(), (Strings{"do b", "do d"}));
  settle(1'000);
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
}

// ---- the order: what is parked waits for what came before it and is not acknowledged

TEST_F(ParkedEvents, AParkedEventDoesNotOvertakeOneThatKafkaHasNotAcknowledged) {
  code_ = Code::unavailable;
  refused_ = {"c"};
  sender_.failures = 4;  // a, at 0, 100, 300 and 700 ms; at 1,500 ms it succeeds
  for (int i = 0; i < 8; ++i) step(100);
  EXPECT_EQ(parts_->listed(), (Strings{"orders.0:3 unavailable 1 +0"}));
  refused_.clear();
  for (int i = 0; i < 30; ++i) step(100);  // c is due at about 1,000 ms
  EXPECT_EQ(sent(), (Strings{"do a", "do b", "do d", "do c"}));
  EXPECT_TRUE(parts_->listed().empty());
}

TEST_F(ParkedEvents, NorOneThatANewMemberHasYetToReadAgain) {
  refused_ = {"c"};
  sender_.failures = 1;
  step();
  step();  // c is parked, a is not acknowledged
  EXPECT_EQ(position(orders0), "0 ");
  refused_.clear();  // the new member knows more
  restart();
  settle();
  settle(1'000);
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
  EXPECT_TRUE(parts_->listed().empty()) << "c is tried by itself, though a was parked before it meanwhile";
}

TEST_F(ParkedEvents, NorWhenAMemberThatLostItsPartitionParkedIt) {
  Parked zombies;
  zombies.at = {orders0, 3};
  zombies.aggregate_id = "x";
  zombies.why = ParkedWhy::behind;
  topic_->append({"consumer", 0}, parking_record({Kind::parked, zombies.at, zombies, std::nullopt}));
  settle();
  settle(1'000);
  EXPECT_EQ(sent(), (Strings{"do b", "do d", "do a", "do c"}));
}

TEST_F(ParkedEvents, AnotherMemberGoesOnWithWhatIsParked) {
  refused_ = {"a"};
  settle();
  auto first = std::move(translator_);
  auto first_source = std::move(source_);
  auto first_parts = std::move(parts_);
  restart();
  settle();
  refused_.clear();
  commit(orders0, 1, 5, {"e"}, 1, "x");
  // The first one has not noticed that it lost the partition: it parks too, and is heard by nobody else.
  first->step();
  parts_->parking.ask(Kind::retry, {orders0, 1}, {"admin-1", "", 0}, nullptr);
  settle();
  EXPECT_TRUE(parts_->listed().empty());
  const Strings all = sent();
  const auto at = [&](const std::string& what) { return std::ranges::find(all, what); };
  EXPECT_LT(at("do a"), at("do c"));
  EXPECT_LT(at("do c"), at("do e"));
}

TEST_F(ParkedEvents, NothingIsDoneBeforeWhatIsParkedIsKnown) {
  refused_ = {"a"};
  settle();
  restart();
  parts_->appender.linger(true);  // the barrier is on its way
  commit(orders0, 1, 5, {"e"}, 1, "x");
  commit(orders0, 1, 6, {"f"}, 1, "y");
  settle();
  EXPECT_EQ(asked_about("e"), 0);
  EXPECT_EQ(asked_about("f"), 0) << "it might be another that is parked";
  EXPECT_EQ(position(orders0), "5 1.5");
  parts_->appender.linger(false);
  parts_->appender.deliver();
  settle();
  EXPECT_EQ(position(orders0), "7 1.7");
  EXPECT_EQ(asked_about("e"), 0) << "a is still in its way";
}

}  // namespace
}  // namespace everfold
