// One writer: what it answers, when, and what it makes of doubts, losses and restarts.
#include "tests/unit/writer_fixture.hpp"

namespace everfold::writer_tests {
namespace {

TEST_F(WriterTest, NobodyHearsDoneBeforeTheLogHasIt) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  EXPECT_TRUE(answers.heard.empty());
  node.appender.deliver();
  node.settle();
  ASSERT_TRUE(answers.done(0, 1));
  EXPECT_EQ(answers.heard[0].value().events.at(0).meta.id, "c1.1");
  EXPECT_EQ(node.index->events("inventory", "apple", 1, 10).size(), 1u);
}

TEST_F(WriterTest, ARefusalWaitsForWhatItWasDecidedOn) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  send(command("c2", "apple", adjust(-6)));  // refused because of the 5 that are not in the log yet
  node.settle();
  EXPECT_TRUE(answers.heard.empty());
  node.appender.deliver();
  node.settle();
  ASSERT_EQ(answers.heard.size(), 2u);
  EXPECT_TRUE(answers.done(0, 1) || answers.done(1, 1));
  EXPECT_TRUE(answers.refused(1, Code::insufficient_stock) || answers.refused(0, Code::insufficient_stock));
}

TEST_F(WriterTest, ARefusalOnConfirmedStateIsAnsweredInTheSameStep) {
  node.own_all();
  send(command("c1", "apple", adjust(-1)));
  node.writer->step(0);
  EXPECT_TRUE(answers.refused(0, Code::not_found));
}

TEST_F(WriterTest, DecisionsStandOnWhatIsInFlight) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  send(command("c2", "apple", adjust(-5)));
  send(command("c3", "apple", adjust(-1)));
  node.settle();
  node.appender.deliver();
  node.settle();
  ASSERT_EQ(answers.heard.size(), 3u);
  EXPECT_EQ(accepted(logs, "apple").size(), 2u);
}

TEST_F(WriterTest, ARepeatedCommandIsDoneOnceAndAnsweredTheSame) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  send(command("c1", "apple", receive(5)));  // while it is in flight
  node.settle();
  node.appender.deliver();
  node.settle();
  send(command("c1", "apple", receive(5)));  // and long after
  node.settle();
  ASSERT_EQ(answers.heard.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(answers.done(i, 1)) << i;
    EXPECT_EQ(answers.heard[i].value().events.at(0).meta.id, "c1.1");
    EXPECT_EQ(answers.heard[i].value().position, answers.heard[0].value().position);
  }
  EXPECT_EQ(accepted(logs, "apple").size(), 1u);
}

TEST_F(WriterTest, TheSameKeyForAnotherRequestIsRefused) {
  node.own_all();
  send(command("c1", "apple", receive(5)));
  node.settle();
  Command other = command("c1", "apple", receive(6));
  other.meta.digest = "another digest";
  send(other);
  Command elsewhere = command("c1", "pear", receive(5));
  send(elsewhere);
  node.settle();
  EXPECT_TRUE(answers.refused(1, Code::idempotency_key_reused));
  EXPECT_TRUE(answers.refused(2, Code::idempotency_key_reused));
  EXPECT_EQ(accepted(logs, "apple").size() + accepted(logs, "pear").size(), 1u);
}

// In flight is not done: if the commit is lost, the key was not used.
TEST_F(WriterTest, ThatAKeyWasUsedIsSaidWhenItsCommitIsConfirmed) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  Command other = command("c1", "apple", receive(6));
  other.meta.digest = "another digest";
  send(other);
  node.settle();
  EXPECT_TRUE(answers.heard.empty());
  node.appender.deliver();
  node.settle();
  ASSERT_EQ(answers.heard.size(), 2u);
  EXPECT_TRUE(answers.done(0, 1));
  EXPECT_TRUE(answers.refused(1, Code::idempotency_key_reused));
}

TEST_F(WriterTest, AnExpectedVersionMustBeTheCurrentOne) {
  node.own_all();
  send(command("c1", "apple", receive(5)));
  node.settle();
  Command stale = command("c2", "apple", receive(5));
  stale.meta.expected_version = 0;
  send(stale);
  Command right = command("c3", "apple", receive(5));
  right.meta.expected_version = 1;
  send(right);
  node.settle();
  EXPECT_TRUE(answers.refused(1, Code::version_mismatch));
  EXPECT_TRUE(answers.done(2, 2));
}

TEST_F(WriterTest, WhatWaitsBehindAFullHouseHearsByItsDeadlineThatNothingWasDone) {
  node.own_all();
  node.appender.linger(true);
  for (int i = 0; i < 2; ++i) send(command("c" + std::to_string(i), "apple", receive(1))), node.settle();
  send(command("late", "apple", receive(1)));  // two in flight are all that this node may have
  node.settle();
  node.now_ms += 10'001;
  node.settle();
  ASSERT_EQ(answers.heard.size(), 3u);
  node.appender.deliver();
  node.settle();
  EXPECT_EQ(accepted(logs, "apple").size(), 2u) << "a command was decided after its caller was told that nothing was done";
}

TEST_F(WriterTest, AfterADoubtWhatHadArrivedIsDoneAndWhatHadNotIsDecidedAgain) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.appender.doubt();
  node.writer->step(0);              // a new session, a new claim in the producer
  node.appender.deliver_orphans();   // the old session's record makes it before the claim does
  node.settle();
  node.appender.deliver();
  node.appender.linger(false);
  node.settle();
  ASSERT_TRUE(answers.done(0, 1));
  EXPECT_EQ(accepted(logs, "apple").size(), 1u);
}

TEST_F(WriterTest, AfterADoubtARecordThatArrivesBehindTheNewTermIsVoid) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.appender.doubt();
  node.writer->step(0);
  node.appender.deliver();  // the new term's claim is first
  node.appender.linger(false);
  node.settle();
  node.appender.deliver_orphans();
  node.settle();
  ASSERT_TRUE(answers.done(0, 1));
  EXPECT_EQ(accepted(logs, "apple").size(), 1u) << "the orphan was counted";
  EXPECT_EQ(node.writer->stats().void_records, 1u);
}

TEST_F(WriterTest, ALostRecordEndsTheTermAndNothingIsLost) {
  node.own_all();
  node.appender.lose(1);
  send(command("c1", "apple", receive(5)));
  send(command("c2", "apple", receive(7)));
  node.settle();
  node.settle();
  ASSERT_EQ(answers.heard.size(), 2u);
  EXPECT_TRUE(answers.heard[0] && answers.heard[1]);
  EXPECT_EQ(accepted(logs, "apple").size(), 2u);
}

TEST_F(WriterTest, AZombieNeverSaysDone) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();

  Node other(logs);
  other.own_all();  // takes the log over while the first sleeps with its record in the producer
  Answers others;
  other.writer->submit(command("c2", "apple", receive(1)), others.next());
  other.settle();
  ASSERT_TRUE(others.done(0, 1));

  node.appender.deliver();  // the zombie's record lands, void
  node.disown_all();
  EXPECT_TRUE(answers.heard.empty());
  ASSERT_EQ(node.elsewhere.size(), 1u) << "the new owner is to say what became of it";
  EXPECT_EQ(node.elsewhere[0].second, other.url());
  ASSERT_EQ(accepted(logs, "apple").size(), 1u);
  EXPECT_EQ(accepted(logs, "apple")[0].meta.id, "c2.1");
}

TEST_F(WriterTest, TheLoserOfARaceForALogStandsBack) {
  Node other(logs);
  node.appender.linger(true);
  other.appender.linger(true);
  node.own_all();
  other.own_all();
  node.appender.deliver();
  other.appender.deliver();  // both claimed the same term: the first record wins
  node.appender.linger(false);
  other.appender.linger(false);
  node.settle();
  other.settle();
  const auto owners = [](const Node& of) {
    std::size_t count = 0;
    for (const LogStatus& log : of.writer->status()) count += log.role == "owner";
    return count;
  };
  node.now_ms += 300, other.now_ms += 1;
  node.settle(), other.settle();
  EXPECT_EQ(owners(node), 4u);
  EXPECT_EQ(owners(other), 0u);
}

TEST_F(WriterTest, ARestartKnowsWhatWasDone) {
  for (const bool index_kept : {true, false}) {
    node.own_all();
    send(command("c1", "apple", receive(5)));
    node.settle();
    for (int second = 0; second < 2; ++second) node.now_ms += 1'000, node.settle();  // one to own the logs again, one to save
    for (const LogStatus& status : node.writer->status())
      EXPECT_EQ(node.index->position(status.log).offset, logs->end(status.log)) << "read again after every restart";
    Node again(logs, index_kept ? node.index : std::make_shared<MemoryEventIndex>());
    again.own_all();
    Answers after;
    again.writer->submit(command("c1", "apple", receive(5)), after.next());
    again.writer->submit(command("c2", "apple", adjust(-6)), after.next());
    again.settle();
    ASSERT_EQ(after.heard.size(), 2u);
    EXPECT_TRUE(after.done(0, 1)) << index_kept;
    EXPECT_TRUE(after.refused(1, Code::insufficient_stock)) << index_kept;
  }
}

TEST_F(WriterTest, SnapshotsAreTakenAndGiveTheSameState) {
  node.own_all();
  for (int i = 0; i < 7; ++i) send(command("c" + std::to_string(i), "apple", receive(1))), node.settle();
  ASSERT_TRUE(node.index->snapshot("inventory", "apple").has_value());
  EXPECT_GE(node.index->snapshot("inventory", "apple")->version, 3);
  Node again(logs, node.index);
  again.own_all();
  Answers after;
  again.writer->submit(command("x", "apple", adjust(-7)), after.next());
  again.writer->submit(command("y", "apple", adjust(-1)), after.next());
  again.settle();
  EXPECT_TRUE(after.done(1, 8) || after.done(0, 8));
  EXPECT_TRUE(after.refused(0, Code::insufficient_stock) || after.refused(1, Code::insufficient_stock));
}

TEST_F(WriterTest, AnOwnerThatHasWrittenNothingOfLateAsksTheLogBeforeItRefuses) {
  node.own_all();
  node.now_ms += 60'000;
  node.appender.linger(true);
  send(command("c1", "apple", adjust(-1)));
  node.settle();
  EXPECT_TRUE(answers.heard.empty());
  EXPECT_EQ(node.appender.in_flight(), 1u) << "one question, however often it is stepped";
  node.appender.deliver();
  node.settle();
  EXPECT_TRUE(answers.refused(0, Code::not_found));
  send(command("c2", "apple", adjust(-1)));
  node.writer->step(0);
  EXPECT_TRUE(answers.refused(1, Code::not_found)) << "it need not ask again so soon";
}

// What counts is when the question was asked, not when its answer was read: between them the log may have become another's.
TEST_F(WriterTest, AZombieRefusesNothing) {
  node.own_all();
  node.now_ms += 60'000;
  node.appender.linger(true);
  send(command("c1", "apple", adjust(-1)));
  node.settle();
  Node other(logs);
  other.own_all();
  node.appender.deliver();
  node.settle();
  EXPECT_TRUE(answers.heard.empty());
}

TEST_F(WriterTest, AFullQueueSaysSoAtOnce) {
  node.own_all();
  for (int i = 0; i < 9; ++i) send(command("c" + std::to_string(i), "apple", receive(1)));
  ASSERT_EQ(answers.heard.size(), 1u);
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
  EXPECT_FALSE(node.writer->offer(command("c9", "apple", receive(1)), answers.next()));
}

TEST_F(WriterTest, EveryCallerHearsWithinTheDeadline) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.now_ms += 10'001;
  node.settle();
  ASSERT_TRUE(answers.refused(0, Code::unavailable));
  node.appender.deliver();  // it happens all the same, and the retry with the same key learns so
  node.settle();
  send(command("c1", "apple", receive(5)));
  node.settle();
  EXPECT_TRUE(answers.done(1, 1));
  EXPECT_EQ(accepted(logs, "apple").size(), 1u);
}

TEST_F(WriterTest, AClockThatIsSetBackPutsNoDeadlineOff) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.wall_set_by_ms = -3'600'000;
  node.now_ms += 10'001;
  node.settle();
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
}

TEST_F(WriterTest, ALogThatKafkaConfirmsTooSlowlyTakesNoMoreAndSaysSo) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.now_ms += 5'001;
  send(command("c2", "apple", receive(5)));
  node.settle();
  ASSERT_TRUE(answers.refused(0, Code::unavailable));
  EXPECT_NE(answers.heard[0].error().message.find("Nothing was done"), std::string::npos);
  send(command("c1", "apple", receive(5)));  // of this one something was: its caller waits with the other
  node.writer->offer(command("c3", "apple", receive(5)), answers.next());  // from a topic: nobody would send it again
  node.settle();
  EXPECT_EQ(answers.heard.size(), 1u);
  node.appender.linger(false);
  node.appender.deliver();
  node.settle();
  EXPECT_EQ(answers.heard.size(), 4u);
  EXPECT_EQ(accepted(logs, "apple").size(), 2u);
  send(command("c2", "apple", receive(5)));
  node.settle();
  EXPECT_TRUE(answers.done(4, 3));
}

// While Kafka is away for long, callers ask again and again.
TEST(PendingCommitTest, CallersThatWereToldAreNotKept) {
  PendingCommit pending{1, 0, {}};
  int told = 0;
  const auto ask = [&](int64_t deadline_ms) {
    pending.callers.push_back({command("c1", "apple", receive(5)), [&told](const Outcome&) { ++told; }, deadline_ms});
  };
  for (const int64_t deadline_ms : {100, 200, 0, 300}) ask(deadline_ms);
  for (const Reply& reply : pending.take_late(200)) reply(outcome_unknown());
  EXPECT_EQ(told, 2);
  ASSERT_EQ(pending.callers.size(), 3u) << "the one that the commit is of, the topic's and the one with time left";
  EXPECT_EQ(pending.callers.front().command.meta.id, "c1");
  for (const Reply& reply : pending.take_late(10'000)) reply(outcome_unknown());
  EXPECT_EQ(told, 3);
  EXPECT_EQ(pending.callers.size(), 2u);
}

TEST_F(WriterTest, ACommandFromATopicHasNoDeadlineAlsoWhenACallerSentItToo) {
  node.own_all();
  node.appender.linger(true);
  Answers from_topic;
  send(command("c1", "apple", receive(5)));
  ASSERT_TRUE(node.writer->offer(command("c1", "apple", receive(5)), from_topic.next()));
  node.settle();
  node.appender.doubt();  // the record is lost: the orphan is never delivered
  node.settle();
  node.now_ms += 10'001;
  node.settle();
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
  EXPECT_TRUE(from_topic.heard.empty()) << "the topic's copy was given up: nobody would send it again";
  node.appender.deliver();
  node.appender.linger(false);
  node.settle();
  EXPECT_TRUE(from_topic.done(0, 1));
  EXPECT_EQ(accepted(logs, "apple").size(), 1u);
}

TEST_F(WriterTest, ACallerBehindATopicsCopyHearsWithinItsDeadline) {
  node.own_all();
  node.appender.linger(true);
  Answers from_topic;
  ASSERT_TRUE(node.writer->offer(command("c1", "apple", receive(5)), from_topic.next()));
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.now_ms += 10'001;
  node.settle();
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
  EXPECT_TRUE(from_topic.heard.empty());
  node.appender.deliver();
  node.settle();
  EXPECT_TRUE(from_topic.done(0, 1));
}

TEST_F(WriterTest, ATimerRingsAlsoAfterARestart) {
  checkout::v1::StartCheckout start;
  auto* line = start.add_lines();
  line->set_sku("apple");
  line->set_quantity(1);
  start.mutable_total()->set_amount(100);
  start.mutable_total()->set_currency("USD");
  start.set_payment_id("p1");
  start.mutable_expires_at()->set_seconds(2'000);
  Encoded encoded = encode_message(start);
  Command begin{{}, std::move(encoded.type), std::move(encoded.bytes)};
  begin.meta.context = "checkout";
  begin.meta.aggregate_id = "o1";
  begin.meta.id = "start";
  node.own_all();
  send(begin);
  node.settle();
  ASSERT_TRUE(answers.heard.at(0).has_value());
  const int64_t before = answers.heard.at(0).value().version;

  Node again(logs, node.index);
  again.now_ms = 1'999'999;
  again.own_all();
  EXPECT_EQ(again.index->events("checkout", "o1", before + 1, 10).size(), 0u);
  again.now_ms = 2'000'000;
  again.settle();
  EXPECT_GT(again.index->events("checkout", "o1", before + 1, 10).size(), 0u);
  EXPECT_TRUE(again.index->timers({"checkout", 0}).empty() && again.index->timers({"checkout", 1}).empty());
}

TEST_F(WriterTest, DrainingTakesNothingMoreAndFinishesWhatItHas) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  EXPECT_FALSE(node.writer->drained());
  node.settle();
  EXPECT_FALSE(node.writer->drained());
  send(command("c2", "apple", receive(5)));
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
  node.appender.deliver();
  node.settle();
  EXPECT_TRUE(node.writer->drained());
  EXPECT_TRUE(answers.done(1, 1));
}

// ---- events of a later version

class LaterVersion : public WriterTest {
 protected:
  // One commit of one event that no decider knows, by a writer that was here before.
  void write(const LogId& log, const std::string& aggregate_id, const std::string& type) {
    logs->append(log, term_record(log, 1, "newer", "", "n", 0));
    StoredEvent event;
    event.meta = {"newer.1", type, log.context, aggregate_id, 1, 0, "", "newer", "", ""};
    logs->append(log, event_record(event, {1, 1, 1, 1}));
  }
};

TEST_F(LaterVersion, AnAggregateThatCannotBeReadIsAnswered503AndTheOthersGoOn) {
  write({"inventory", shard_of("future", partitions)}, "future", "everfold.inventory.StockTeleported.v1");
  node.own_all();
  send(command("c1", "future", receive(5)));
  send(command("c2", "apple", receive(5)));
  node.settle();
  ASSERT_TRUE(answers.refused(0, Code::unavailable) || answers.refused(1, Code::unavailable));
  EXPECT_TRUE(answers.done(0, 1) || answers.done(1, 1));
  const auto& said = answers.heard[answers.heard[0] ? 1 : 0].error().message;
  EXPECT_NE(said.find("cannot read event 1 of future (everfold.inventory.StockTeleported.v1, log inventory."), said.npos) << said;
  EXPECT_TRUE(accepted(logs, "future").size() == 1);
}

TEST_F(LaterVersion, ACommandFromATopicHearsItToo) {
  write({"inventory", shard_of("future", partitions)}, "future", "everfold.inventory.StockTeleported.v1");
  node.own_all();
  ASSERT_TRUE(node.writer->offer(command("c1", "future", receive(5)), answers.next()));
  node.settle();
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
}

TEST_F(LaterVersion, AProcessWhoseEventCannotBeReadKeepsItsTimerAndStopsNobody) {
  write({"checkout", 0}, "order-1", "everfold.checkout.CheckoutTeleported.v1");
  node.own_all();
  send(command("c1", "apple", receive(5)));
  node.settle();
  EXPECT_TRUE(answers.done(0, 1));
  EXPECT_EQ(node.index->events("checkout", "order-1", 1, 10).size(), 1u);
}

}  // namespace
}  // namespace everfold::writer_tests
