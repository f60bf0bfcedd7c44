// The writer against logs in memory that do to it what Kafka can: linger, lose, orphan, hand over.
#include "runtime/writer.hpp"

#include <gtest/gtest.h>

#include "command-side/inventory/decider.hpp"
#include "kernel/shard.hpp"
#include "runtime/memory_event_index.hpp"
#include "runtime/memory_log.hpp"
#include "saga/checkout/decider.hpp"

namespace everfold {
namespace {

using inventory::Inventory;

constexpr int partitions = 2;

// One node: a writer with its own producer, reader and index, on logs that it may share with others.
struct Node {
  explicit Node(std::shared_ptr<MemoryLogs> shared, std::shared_ptr<MemoryEventIndex> kept = std::make_shared<MemoryEventIndex>())
      : logs(std::move(shared)), source(logs), appender(logs), index(std::move(kept)) {
    std::vector<std::unique_ptr<HostedContext>> contexts;
    contexts.push_back(host<Inventory>());
    contexts.push_back(host<checkout::Checkout>());
    WriterOptions options;
    options.owner = "node";
    options.url = url();
    options.partitions = partitions;
    options.max_queued = 8;
    options.max_in_flight = 2;
    options.snapshot_every = 3;
    writer = std::make_unique<Writer>(options, std::move(contexts), source, appender, *index,
                                      Writer::Edges{[this] { return now_ms; },
                                                    [this] { return "nonce-" + std::to_string(++random) + "-" + std::to_string(reinterpret_cast<uintptr_t>(this)); },
                                                    [](std::string_view) {},
                                                    [this](QueuedCommand queued, const std::string& owner_url) {
                                                      elsewhere.emplace_back(std::move(queued), owner_url);
                                                    }});
  }

  void own_all() {
    std::vector<LogId> all;
    for (const char* context : {"inventory", "checkout"})
      for (int shard = 0; shard < partitions; ++shard) all.push_back({context, shard});
    writer->own(all);
    settle();
  }
  void disown_all() {
    writer->own({});
    settle();
  }
  std::string url() const { return "http://" + std::to_string(reinterpret_cast<uintptr_t>(this)); }
  void settle() {
    for (int i = 0; i < 6; ++i) writer->step(0);
  }

  std::shared_ptr<MemoryLogs> logs;
  MemoryLogSource source;
  MemoryLogAppender appender;
  std::shared_ptr<MemoryEventIndex> index;
  int64_t now_ms = 1'000'000;
  int random = 0;
  std::vector<std::pair<QueuedCommand, std::string>> elsewhere;
  std::unique_ptr<Writer> writer;
};

Command command(const std::string& id, const std::string& sku, const Inventory::Command& body) {
  Encoded encoded = encode(body);
  Command made{{}, std::move(encoded.type), std::move(encoded.bytes)};
  made.meta.context = "inventory";
  made.meta.aggregate_id = sku;
  made.meta.id = id;
  made.meta.digest = "digest of " + id;
  return made;
}
Inventory::Command receive(int64_t quantity) {
  inventory::v1::ReceiveStock body;
  body.set_quantity(quantity);
  return body;
}
Inventory::Command adjust(int64_t delta) {
  inventory::v1::AdjustStock body;
  body.set_delta(delta);
  body.set_reason("counted");
  return body;
}

// What callers heard, in order.
struct Answers {
  std::vector<Outcome> heard;
  Reply next() {
    return [this](Outcome outcome) { heard.push_back(std::move(outcome)); };
  }
  bool done(std::size_t i, int64_t version) const { return i < heard.size() && heard[i] && heard[i].value().version == version; }
  bool refused(std::size_t i, Code code) const { return i < heard.size() && !heard[i] && heard[i].error().code == code; }
};

// The accepted history of a SKU, as a reader that knows nothing but the log sees it.
std::vector<StoredEvent> accepted(const std::shared_ptr<MemoryLogs>& logs, const std::string& sku) {
  std::vector<StoredEvent> events;
  for (int shard = 0; shard < partitions; ++shard) {
    MemoryLogSource source(logs);
    LogTail tail({"inventory", shard}, {});
    source.assign({{{"inventory", shard}, 0}});
    source.poll(0, [&](std::size_t, const RecordView& record) {
      if (auto step = tail.feed(record); step.commit)
        for (StoredEvent& event : step.commit->events)
          if (event.meta.aggregate_id == sku) events.push_back(std::move(event));
    });
  }
  return events;
}

class WriterTest : public testing::Test {
 protected:
  std::shared_ptr<MemoryLogs> logs = std::make_shared<MemoryLogs>();
  Node node{logs};
  Answers answers;

  void send(Node& to, const Command& what) { to.writer->submit(what, answers.next()); }
  void send(const Command& what) { send(node, what); }
};

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

TEST_F(WriterTest, ACommandFromATopicWaitsForTheOwnership) {
  node.appender.linger(true);
  node.own_all();
  ASSERT_TRUE(node.writer->offer(command("c1", "apple", receive(5)), answers.next()));
  node.settle();
  EXPECT_TRUE(answers.heard.empty());
  node.appender.deliver();
  node.appender.linger(false);
  node.settle();
  EXPECT_TRUE(answers.done(0, 1));
}

TEST_F(WriterTest, ACommandFromATopicOfAShardThatWasTakenAwayIsNotKept) {
  node.own_all();
  ASSERT_TRUE(node.writer->offer(command("c1", "apple", receive(5)), answers.next()));
  node.disown_all();
  node.now_ms += 10'000;
  node.own_all();  // much later: whoever had the shard meanwhile has decided it
  EXPECT_TRUE(answers.heard.empty());
  EXPECT_TRUE(accepted(logs, "apple").empty());
}

TEST_F(WriterTest, WhileTheGroupSharesAnewWhatIsOwnedGoesOnAndNothingIsClaimed) {
  node.own_all();
  node.writer->await_assignment();
  send(command("c1", "apple", receive(5)));
  node.settle();
  ASSERT_TRUE(answers.done(0, 1)) << "a rebalance pauses what stays where it is";

  Node other(logs);
  other.own_all();
  node.settle();  // learns that it was deposed
  node.now_ms += 60'000;
  node.settle();
  for (const LogStatus& log : node.writer->status()) EXPECT_EQ(log.role, "standby") << "claimed without being asked to";
  node.own_all();
  for (const LogStatus& log : node.writer->status()) EXPECT_EQ(log.role, "owner");
}

TEST_F(WriterTest, WhatIsAnotherNodesGoesToItsOwner) {
  Node other(logs);
  other.own_all();
  send(command("c1", "apple", receive(5)));
  node.settle();
  ASSERT_EQ(node.elsewhere.size(), 1u);
  EXPECT_EQ(node.elsewhere[0].second, other.url());
  EXPECT_FALSE(node.elsewhere[0].first.in_doubt);

  Node later(logs, node.index);  // started again: the term's record lies behind its position
  node.writer.reset();
  Answers heard;
  later.writer->submit(command("c2", "apple", receive(5)), heard.next());
  later.settle();
  ASSERT_EQ(later.elsewhere.size(), 1u);
  EXPECT_EQ(later.elsewhere[0].second, other.url());
}

TEST_F(WriterTest, WhatAnotherNodeForwardedIsNotSentOn) {
  Node other(logs);
  other.own_all();
  QueuedCommand queued{command("c1", "apple", receive(5)), answers.next(), node.now_ms + 1'000};
  queued.forwarded = true;
  node.writer->submit(std::move(queued));
  node.settle();
  EXPECT_TRUE(node.elsewhere.empty());
  EXPECT_TRUE(answers.refused(0, Code::unavailable));
}

TEST_F(WriterTest, WhatWasInFlightWhenItsLogWasTakenAwayGoesToTheNewOwnerInDoubt) {
  node.own_all();
  node.appender.linger(true);
  send(command("c1", "apple", receive(5)));
  node.settle();
  node.disown_all();
  ASSERT_EQ(node.elsewhere.size(), 1u);
  EXPECT_EQ(node.elsewhere[0].second, "") << "this node's own term says nothing about who comes next";
  EXPECT_TRUE(node.elsewhere[0].first.in_doubt);
  EXPECT_FALSE(node.elsewhere[0].first.command.meta.fresh_id);
  EXPECT_TRUE(answers.heard.empty());
}

TEST_F(WriterTest, AReaderWaitsUntilThisNodesHistoryHasThePosition) {
  Node other(logs);
  other.own_all();
  Answers done;
  other.writer->submit(command("c1", "apple", receive(5)), done.next());
  other.settle();
  ASSERT_TRUE(done.done(0, 1));
  std::vector<bool> told;
  const auto tell = [&](bool reached) {
    told.push_back(reached);
    EXPECT_EQ(node.index->events("inventory", "apple", 1, 10).size(), 1u);
  };
  node.writer->when_read({done.heard[0].value().log, done.heard[0].value().position}, tell);
  node.settle();
  EXPECT_EQ(told, std::vector<bool>{true});
  node.writer->when_read({done.heard[0].value().log, done.heard[0].value().position + 1}, tell);
  node.settle();
  EXPECT_EQ(told.size(), 1u) << "it was told of what nobody has written";
  node.now_ms += 10'001;
  node.settle();
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

TEST_F(WriterTest, WhatStaysWithANodeKeepsItsTerm) {
  node.own_all();
  const int64_t term = node.writer->status().front().term;
  node.writer->await_assignment();
  node.own_all();
  EXPECT_EQ(node.writer->status().front().term, term);
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
}  // namespace everfold
