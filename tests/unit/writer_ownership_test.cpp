// Several writers: who owns a log, and what becomes of commands for logs of others.
#include "tests/unit/writer_fixture.hpp"

namespace everfold::writer_tests {
namespace {

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

}  // namespace
}  // namespace everfold::writer_tests
