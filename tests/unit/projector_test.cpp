#include "runtime/views/projector.hpp"

#include "tests/unit/projector_fixture.hpp"

namespace everfold::testing {
namespace {

TEST_F(ProjectorTest, BuildsTheFirstGenerationAndFollowsTheLogs) {
  receive("MUG", 1);
  writer1_.commit<inventory::Event>("CUP", {received(5), received(6)});
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.folds(3));
  EXPECT_EQ(shelf_.live(), 1);
  receive("MUG", 2);
  ASSERT_TRUE(running.folds(4));
  running.stop();
  EXPECT_EQ(on_hand(1, "MUG"), 2);
  EXPECT_EQ(on_hand(1, "CUP"), 6);
  expect_at_the_end(1);
}

TEST_F(ProjectorTest, TellsOfEachLogWhenItsLastEventHappened) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.folds(1));
  writer1_.commit<inventory::Event>("CUP", {received(5)});
  ASSERT_TRUE(running.folds(2));
  const auto times_ms = running.projector().status().last_event_ms;
  EXPECT_EQ(times_ms[0], 0) << "nothing of it was followed: it was folded in bulk";
  EXPECT_GT(times_ms[1], 0);
}

TEST_F(ProjectorTest, GoesOnWhereItStopped) {
  receive("MUG", 1);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.folds(1));
  }
  receive("MUG", 2);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.folds(1));
  running.stop();
  EXPECT_EQ(on_hand(1, "MUG"), 2);
  EXPECT_EQ(shelf_.generations(), std::vector<int64_t>{1});
}

TEST_F(ProjectorTest, AWriterThatWasDeposedIsNotHeard) {
  receive("MUG", 1);
  writer0_.start_term(2);
  writer0_.zombie_commit<inventory::Event>(1, "MUG", received(666));
  receive("MUG", 2);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.folds(2));
  running.stop();
  EXPECT_EQ(on_hand(1, "MUG"), 2);
}

TEST_F(ProjectorTest, AnotherVersionOfTheCodeFoldsAnewBesideWhatServes) {
  receive("MUG", 1);
  { ASSERT_TRUE(Running<Stock>(shelf_, memory_).folds(1)); }
  int kafka_failures = 1'000'000;
  {
    Running<StockOfLater> running(shelf_, memory_, &kafka_failures);
    ASSERT_TRUE(
        running.comes_to([&](const Projector::Status& status) { return status.generation == 2 && status.building; }));
    running.stop();
    EXPECT_EQ(shelf_.live(), 1);
    EXPECT_EQ(on_hand(1, "MUG"), 1);
  }
  kafka_failures = 0;
  {
    Running<StockOfLater> running(shelf_, memory_, &kafka_failures);  // goes on with the one that was begun
    ASSERT_TRUE(running.folds(1));
    EXPECT_EQ(shelf_.live(), 2);
    EXPECT_EQ(shelf_.damage_of(1), "") << "a reader may be in the middle of it";
  }
  {
    Running<StockOfLater> running(shelf_, memory_);
    ASSERT_TRUE(running.folds(0));
  }
  EXPECT_EQ(shelf_.generations(), (std::vector<int64_t>{1, 2})) << "the former one stays";
  EXPECT_EQ(on_hand(2, "MUG"), 1);
}

TEST_F(ProjectorTest, ADamagedViewIsFoldedAnew) {
  receive("MUG", 1);
  { ASSERT_TRUE(Running<Stock>(shelf_, memory_).folds(1)); }
  shelf_.damage(1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.folds(1));
  running.stop();
  EXPECT_NE(running.said().find("damaged"), std::string::npos);
  EXPECT_EQ(shelf_.live(), 2) << "a reader that knows generation 1 must see that it is another";
  EXPECT_EQ(on_hand(2, "MUG"), 1);
}

TEST_F(ProjectorTest, AViewThatIsDeletedUnderWayIsFoldedAnew) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.folds(1));
  shelf_.vanish();
  ASSERT_TRUE(
      running.comes_to([&](const Projector::Status& status) { return status.generation == 2 && !status.building; }));
  receive("MUG", 2);
  ASSERT_TRUE(running.folds(3));
  running.stop();
  EXPECT_EQ(shelf_.live(), 2);
  EXPECT_EQ(on_hand(2, "MUG"), 2);
}

TEST_F(ProjectorTest, AnEventOfALaterVersionParksItsRowAndTheOthersGoOn) {
  receive("MUG", 1);
  writer0_.commit_unknown("MUG", "everfold.inventory.StockTeleported.v1");
  receive("MUG", 7);
  receive("CUP", 2);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.folds(4));
    EXPECT_TRUE(running.comes_to([](const Projector::Status& status) { return status.parked == 1; }));
    for (const auto* part : {"view stock", "event 2 of MUG", "everfold.inventory.StockTeleported.v1", "inventory.0", "offset 2"})
      EXPECT_NE(running.said().find(part), std::string::npos) << part << " in: " << running.said();
    running.stop();
  }
  EXPECT_EQ(on_hand(1, "MUG"), 1) << "as it was before";
  EXPECT_EQ(on_hand(1, "CUP"), 2);
  EXPECT_TRUE(shelf_.store(1).all_index().contains("parked/MUG"));
  expect_at_the_end(1);
  receive("MUG", 8);
  receive("CUP", 3);
  Running<Stock> again(shelf_, memory_);
  ASSERT_TRUE(again.folds(2));
  EXPECT_TRUE(again.comes_to([](const Projector::Status& status) { return status.parked == 1; }));
  again.stop();
  EXPECT_EQ(on_hand(1, "MUG"), 1) << "a restart knows it";
  EXPECT_EQ(on_hand(1, "CUP"), 3);
}

TEST_F(ProjectorTest, WaitsForKafkaAndSaysSo) {
  receive("MUG", 1);
  int kafka_failures = 3;
  Running<Stock> running(shelf_, memory_, &kafka_failures);
  ASSERT_TRUE(running.folds(1));
  running.stop();
  EXPECT_NE(running.said().find("Kafka is away"), std::string::npos);
}

TEST_F(ProjectorTest, RebuildsOnRequest) {
  receive("MUG", 1);
  { ASSERT_TRUE(Running<Stock>(shelf_, memory_).folds(1)); }
  BuildTurn turn;
  Projector projector([] { return std::make_unique<FoldedView<Stock>>(); }, {log0, log1},
                      {shelf_, [&](bool) { return std::make_unique<MemoryLogSource>(memory_); }, steady_ms,
                       [](std::string_view) {}, [](std::string_view) {}, turn});
  EXPECT_TRUE(projector.rebuild(std::stop_token()));
  EXPECT_EQ(shelf_.live(), 2);
  EXPECT_EQ(projector.status().events, 1);
  EXPECT_EQ(shelf_.store(1).all_rows(), shelf_.store(2).all_rows());
}

TEST_F(ProjectorTest, AViewOfOtherLogsIsNotFoldedOn) {
  receive("apple", 1);
  std::vector<std::pair<LogId, LogPosition>> asked;
  {
    Running<Stock> projector(shelf_, memory_);
    EXPECT_TRUE(projector.folds(1));
  }
  int away = 1;
  Running<Stock> projector(shelf_, memory_, nullptr, [&](const auto& positions) -> std::optional<std::string> {
    if (away-- > 0) throw std::runtime_error("Kafka is away");
    asked = positions;
    return "the topic was made anew: delete the views";
  });
  EXPECT_EQ(projector.failure(), "the topic was made anew: delete the views");
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].second.offset, memory_->end(log0));
  EXPECT_NE(asked[0].second.origin, 0u);
  EXPECT_NE(asked[0].second.origin, asked[1].second.origin);
}

}  // namespace
}  // namespace everfold::testing
