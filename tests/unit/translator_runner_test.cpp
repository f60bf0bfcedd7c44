// A translator with nothing parked: what it reads, sends and remembers.
#include <algorithm>
#include <set>

#include "tests/unit/translator_runner.hpp"

namespace everfold {
namespace {

TEST_F(Runner, SendsWhatACommitCausesAndThenMovesOn) {
  term(orders0, 1);
  commit(orders0, 1, 1, {"a1", "a2"});
  commit(orders0, 1, 2, {"b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a1", "do a2", "do b"}));
  EXPECT_EQ(sender_.batches, 1);
  EXPECT_EQ(position(orders0), "4 1.3");
  EXPECT_EQ(translator_->counters().events_read, 3u);
  EXPECT_EQ(translator_->counters().commands_sent, 3u);
  EXPECT_EQ(translator_->counters().retries, 0u);
}

TEST_F(Runner, EveryReactionOfAContextIsAskedInOrder) {
  term(carts0, 1);
  commit(carts0, 1, 1, {"a", "b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "shadow a", "do b", "shadow b"}));
}

TEST_F(Runner, AContextThatNobodyListensToOnlyMovesOn) {
  source_->assign({"payments", 0});
  term({"payments", 0}, 1);
  commit({"payments", 0}, 1, 1, {"a"});
  translator_->step();
  EXPECT_EQ(sender_.batches, 0);
  EXPECT_EQ(position({"payments", 0}), "2 1.2");
}

// It has caused what it causes where it was copied from.
TEST_F(Runner, ACopiedEventCausesNothing) {
  term(orders0, 1);
  commit(orders0, 1, 1, {"a"});
  group_.logs[orders0].back().headers.emplace_back("ce_copiedfrom", "orders.3:1042@9af31c");
  commit(orders0, 1, 2, {"b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do b"}));
  EXPECT_EQ(position(orders0), "3 1.3");
}

TEST_F(Runner, VoidRecordsCauseNothingButAreNotReadAgain) {
  term(orders0, 2);
  commit(orders0, 1, 1, {"fenced"});
  commit(orders0, 2, 1, {"a"});
  commit(orders0, 2, 1, {"duplicate"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a"}));
  EXPECT_EQ(position(orders0), "4 2.2");
  commit(orders0, 2, 3, {"behind a gap"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a"}));
  EXPECT_EQ(position(orders0), "5 2.0");
  restart();
  commit(orders0, 2, 2, {"still behind it"});
  term(orders0, 3);
  commit(orders0, 3, 1, {"b"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b"}));
  EXPECT_EQ(position(orders0), "8 3.2");
}

TEST_F(Runner, HalfACommitIsReadAgainAfterARestart) {
  term(orders0, 1);
  commit(orders0, 1, 1, {"a1", "a2"}, 1);
  translator_->step();
  EXPECT_EQ(position(orders0), "1 1.1");
  EXPECT_TRUE(sent().empty());
  restart();
  group_.logs[orders0].pop_back();
  commit(orders0, 1, 1, {"a1", "a2"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a1", "do a2"}));
}

TEST_F(Runner, GoesOnFromTheNoteAfterARestart) {
  one_each();
  translator_->step();
  restart();
  commit(orders0, 1, 2, {"c"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b", "do c"}));
  EXPECT_EQ(position(orders0), "3 1.3");
}

TEST_F(Runner, NothingMovesBeforeTheAcknowledgement) {
  one_each();
  sender_.failures = 1;
  sender_.arrive_anyway = 1;
  translator_->step();
  EXPECT_EQ(source_->commits, 0);
  EXPECT_EQ(translator_->counters().commands_sent, 0u);
  EXPECT_EQ(translator_->counters().retries, 2u);
  EXPECT_EQ(errors_.size(), 2u);
  now_ms_ += options_.backoff_first_ms;
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do a", "do b"}));
  EXPECT_EQ(sender_.sent[0].id, sender_.sent[1].id);
  EXPECT_EQ(position(orders0), "2 1.2");
  EXPECT_EQ(position(orders1), "2 1.2");
  EXPECT_EQ(reacted_, (Strings{"a", "b"})) << "what has been decided need not be asked again";
}

TEST_F(Runner, ARestartInTheMiddleRepeatsWithEqualIds) {
  one_each();
  commit(orders0, 1, 2, {"c"});
  sender_.failures = 1;
  sender_.arrive_anyway = 2;
  translator_->step();
  restart();
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do c", "do a", "do c", "do b"}));
  std::set<std::string> ids;
  for (const CommandMeta& meta : sender_.sent) ids.insert(meta.id);
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(Runner, AnAnswerThatIsBeingWorkedOnIsAskedForAgainAndIsNoTrouble) {
  one_each();
  later_ = "a";
  translator_->step();
  translator_->step();
  EXPECT_EQ(source_->timeouts.back(), 30);
  EXPECT_EQ(sent(), (Strings{"do b"}));
  EXPECT_EQ(position(orders0), "0 ");
  now_ms_ += 29;
  translator_->step();
  EXPECT_EQ(std::ranges::count(reacted_, "a"), 1);
  now_ms_ += 1;
  translator_->step();
  EXPECT_EQ(std::ranges::count(reacted_, "a"), 2);
  later_.clear();
  now_ms_ += 30;
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do b", "do a"}));
  EXPECT_EQ(position(orders0), "2 1.2");
  EXPECT_EQ(translator_->counters().retries, 0u);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(Runner, WhileAnAnswerIsAwaitedOnlyItsAggregateWaits) {
  term(orders0, 1);
  commit(orders0, 1, 1, {"a"});
  commit(orders0, 1, 2, {"behind a"});
  commit(orders0, 1, 3, {"other"}, 1, "y");
  later_ = "a";
  step();
  EXPECT_EQ(sent(), (Strings{"do other"}));
  EXPECT_EQ(position(orders0), "0 ") << "a restart must find it again";
  later_.clear();
  step(30);
  EXPECT_EQ(sent(), (Strings{"do other", "do a", "do behind a"}));
  EXPECT_EQ(position(orders0), "4 1.4");
}

TEST_F(Runner, ABatchEndsWithTheCommitThatFillsItAndTheRestFollowsAtOnce) {
  options_.batch_commands = 2;
  restart();
  one_each();
  commit(orders0, 1, 2, {"c1", "c2"});
  commit(orders0, 1, 3, {"d"});
  translator_->step();
  EXPECT_EQ(sent(), (Strings{"do a", "do c1", "do c2"}));
  EXPECT_EQ(position(orders0), "4 1.3");
  translator_->step();
  EXPECT_EQ(source_->timeouts.back(), 0);
  EXPECT_EQ(sent(), (Strings{"do a", "do c1", "do c2", "do d", "do b"}));
}

TEST_F(Runner, ARevokedPartitionIsForgotten) {
  one_each();
  later_ = "a";
  step();
  source_->revoke(orders0);
  later_.clear();
  step(1'000);
  EXPECT_EQ(sent(), (Strings{"do b"}));
  EXPECT_EQ(position(orders0), "0 ");
  source_->assign(orders0);  // and comes back: from where the group stands
  step();
  EXPECT_EQ(sent(), (Strings{"do b", "do a"}));
}

TEST_F(Runner, WhatKafkaDoesNotAcknowledgeIsSentAgainWithBackoff) {
  options_.backoff_first_ms = 100;
  options_.backoff_max_ms = 1'000;
  restart();
  one_each();
  sender_.failures = 6;
  for (int i = 0; i < 6; ++i) {
    step();
    if (i > 0) step(delays_.back() - 1);  // a moment too early: not tried
    now_ms_ += i > 0 ? 1 : delays_.back();
  }
  delays_.erase(std::unique(delays_.begin(), delays_.end()), delays_.end());
  EXPECT_EQ(delays_, (std::vector<int64_t>{100, 200, 400, 800, 1'000}));
  EXPECT_TRUE(sent().empty());
  step();
  EXPECT_EQ(sent(), (Strings{"do a", "do b"}));
  sender_.failures = 1;
  commit(orders0, 1, 2, {"c"});
  step();
  EXPECT_EQ(delays_.back(), 100) << "after a success it starts anew";
}

TEST_F(Runner, WaitsInThePollUntilTheNextRetry) {
  options_.backoff_first_ms = 60;
  one_each();
  restart();
  sender_.failures = 1;
  step();
  step();
  step(50);
  EXPECT_EQ(source_->timeouts, (std::vector<int>{100, 60, 10}));
}

TEST_F(Runner, AFullBacklogPausesItsPartitionUntilItIsWorkedOff) {
  options_.backlog_max_events = 2;
  restart();
  one_each();
  commit(orders0, 1, 2, {"c"});
  later_ = "a";
  step();
  EXPECT_EQ(source_->paused, std::set<LogId>{orders0});
  commit(orders0, 1, 3, {"d"});
  commit(orders1, 1, 2, {"e"});
  step();
  EXPECT_EQ(sent(), (Strings{"do b", "do e"})) << "other partitions go on";
  later_.clear();
  step(30);
  EXPECT_TRUE(source_->paused.empty());
  step();
  EXPECT_EQ(sent(), (Strings{"do b", "do e", "do a", "do c", "do d"}));
  EXPECT_EQ(position(orders0), "4 1.4");
}

TEST_F(Runner, AskedToStopItFinishesTheStepAndReturns) {
  one_each();
  stop_at_ = "a";
  translator_->run(stop_.get_token());
  EXPECT_EQ(sent(), (Strings{"do a", "do b"}));
  EXPECT_EQ(position(orders0), "2 1.2");
  EXPECT_EQ(source_->timeouts.size(), 1u);
}

// ---- the note beside a position

TEST(PositionNote, RoundTrip) {
  const LogPosition position{42, 3, 1042};
  EXPECT_EQ(position_note(position), "3.1042");
  EXPECT_EQ(position_from_note(orders0, 42, "3.1042"), position);
  EXPECT_EQ(position_from_note(orders0, 42, "3.0"), (LogPosition{42, 3, 0}));
  EXPECT_EQ(position_from_note(orders0, 0, ""), LogPosition{});
}

TEST(PositionNote, APositionMovedByHandStopsTheProgram) {
  EXPECT_DEATH(position_from_note(orders0, 42, ""), "orders.0 at offset 42 has no term beside it");
  for (const char* note : {"3", "3.", ".1", "3.1x", "-3.1", "3.1.1"})
    EXPECT_DEATH(position_from_note(orders0, 42, note), "moved by hand") << note;
}

}  // namespace
}  // namespace everfold
