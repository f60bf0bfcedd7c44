// Another generation beside the live one: made, compared, switched to, rolled back, and killed in between.
#include "runtime/views/rebuild.hpp"

#include <atomic>

#include "kernel/shard.hpp"
#include "tests/unit/projector_fixture.hpp"

namespace everfold::testing {
namespace {

using Phase = RebuildSteps::Phase;
const Projector::By alice{"alice", "correlation", std::nullopt};

RebuildOrder verified() {
  RebuildOrder order;
  order.verify = true;
  return order;
}

// ---- the rules by themselves

TEST(RebuildStepsTest, WithoutComparingItIsSwitchedToAtTheEnd) {
  RebuildSteps steps({});
  EXPECT_EQ(steps.phase(), Phase::folding);
  steps.reached();
  EXPECT_EQ(steps.phase(), Phase::catching_up);
  EXPECT_FALSE(steps.may_switch());
  EXPECT_FALSE(steps.ask_switch()) << "it is behind";
  steps.reached();
  EXPECT_EQ(steps.phase(), Phase::ready);
  EXPECT_TRUE(steps.may_switch());
}

TEST(RebuildStepsTest, WhatIsFoundTheSameIsSwitchedToAndWhatDiffersWaitsForSomebody) {
  for (const bool same : {true, false}) {
    RebuildSteps steps(verified());
    steps.reached();
    EXPECT_EQ(steps.phase(), Phase::verifying);
    steps.compared(same);
    EXPECT_EQ(steps.phase(), Phase::catching_up);
    steps.reached();
    EXPECT_EQ(steps.may_switch(), same);
    EXPECT_TRUE(steps.ask_switch());
    EXPECT_TRUE(steps.may_switch());
  }
}

TEST(RebuildStepsTest, ByHandMeansByHand) {
  RebuildOrder by_hand;
  by_hand.switch_by_itself = false;
  RebuildSteps steps(by_hand);
  steps.reached();
  steps.reached();
  EXPECT_FALSE(steps.may_switch());
  EXPECT_TRUE(steps.ask_switch());
  EXPECT_TRUE(steps.may_switch());
}

TEST(RebuildOrderTest, IsReadAsItWasWritten) {
  RebuildOrder order{RebuildOrder::Kind::restore, true, false, true, "id", "alice of x", "correlation", "/var/back up"};
  EXPECT_EQ(order_of(to_text(order)), order);
  order = {};
  EXPECT_EQ(order_of(to_text(order)), order);
  order.actor = "two\nlines";
  EXPECT_EQ(order_of(to_text(order))->actor, "two lines");
  EXPECT_EQ(order_of(""), std::nullopt);
  EXPECT_EQ(order_of("kind rebuil"), std::nullopt) << "cut";
  EXPECT_EQ(order_of("kind dance\n"), std::nullopt);
}

// ---- with a projector

class RebuildTest : public ProjectorTest {
 protected:
  static auto at(int64_t generation) {
    return [=](const Projector::Status& status) {
      return status.generation == generation && !status.building && status.caught_up;
    };
  }
  static auto phase(Phase phase) {
    return [=](const Projector::Status& status) { return status.build && status.build->phase == phase; };
  }
  inventory::v1::StockRow stored(int64_t generation, const std::string& sku) {
    inventory::v1::StockRow row;
    EXPECT_TRUE(row.ParseFromString(shelf_.store(generation).row(sku).value_or("none")));
    return row;
  }
  // A row that the logs do not give.
  void plant(const std::string& sku, int64_t on_hand, int64_t threshold = 0) {
    inventory::v1::StockRow row;
    row.set_sku(sku);
    row.set_on_hand(on_hand);
    row.set_low_stock_threshold(threshold);
    shelf_.open(shelf_.live()).store->write({{{sku, serialize_row(row)}}, {}, {}, {}});
  }
};

TEST_F(RebuildTest, ANewGenerationIsFoldedBesideTheLiveOneAndSwitchedTo) {
  receive("MUG", 1);
  writer1_.commit<inventory::Event>("CUP", {received(5)});
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  const auto ordered = running.projector().order_rebuild(false, true, alice);
  ASSERT_TRUE(ordered) << ordered.error().message;
  EXPECT_EQ(ordered.value(), 2);
  ASSERT_TRUE(running.comes_to(at(2)));
  receive("MUG", 2);
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(2, "MUG") == 2; }));
  running.stop();
  EXPECT_EQ(shelf_.live(), 2);
  EXPECT_EQ(on_hand(1, "MUG"), 1) << "the former one stands where it was left";
  expect_at_the_end(2);
  EXPECT_EQ(running.noted(),
            (std::vector<std::string>{"RebuildStarted", "RebuildFinished", "GenerationSwitched",  // the first
                                      "RebuildStarted", "RebuildFinished", "GenerationSwitched"}));
}

TEST_F(RebuildTest, WhatIsTheSameIsSwitchedToAfterComparing) {
  receive("MUG", 1);
  receive("CUP", 2);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  ASSERT_TRUE(running.projector().order_rebuild(true, true, alice));
  ASSERT_TRUE(running.comes_to(at(2)));
  const auto build = running.projector().status().build;
  ASSERT_TRUE(build && build->comparison);
  EXPECT_EQ(build->phase, Phase::switched);
  EXPECT_EQ(build->comparison->rows.compared, 2);
  EXPECT_TRUE(build->comparison->same());
}

TEST_F(RebuildTest, PlantedRowsAreFoundWithBothContentsAndNothingIsSwitchedUntilSomebodyDoes) {
  receive("MUG", 1);
  receive("CUP", 2);
  { ASSERT_TRUE(Running<Stock>(shelf_, memory_).comes_to(at(1))); }
  plant("MUG", 999);
  plant("GHOST", 3);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  ASSERT_TRUE(running.projector().order_rebuild(true, true, alice));
  ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  const Comparison found = *running.projector().status().build->comparison;
  EXPECT_EQ(found.rows.compared, 3);
  EXPECT_EQ(found.rows.changed, 1);
  EXPECT_EQ(found.rows.lost, 1);
  EXPECT_EQ(found.rows.added, 0);
  ASSERT_EQ(found.differences.size(), 2u);
  EXPECT_EQ(found.differences[0].key, "GHOST");
  EXPECT_FALSE(found.differences[0].rebuilt);
  inventory::v1::StockRow live, rebuilt;
  ASSERT_TRUE(live.ParseFromString(*found.differences[1].live) &&
              rebuilt.ParseFromString(*found.differences[1].rebuilt));
  EXPECT_EQ(live.on_hand(), 999);
  EXPECT_EQ(rebuilt.on_hand(), 1);

  receive("CUP", 4);
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(2, "CUP") == 4; }))
      << "it is kept at the present meanwhile";
  EXPECT_EQ(shelf_.live(), 1);
  const auto moved = running.projector().switch_over(alice);
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(moved.value(), 2);
  EXPECT_EQ(shelf_.live(), 2);
  EXPECT_EQ(on_hand(2, "MUG"), 1);
}

TEST_F(RebuildTest, NothingOlderIsShownThanWhatWasShownBefore) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  Blindness& blind = running.blind_from_now_on();
  ASSERT_TRUE(running.projector().order_rebuild(false, false, alice));
  ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  blind.now = true;  // the new one falls behind
  ASSERT_TRUE(running.comes_to([&](const auto&) { return blind.polls > 0; }));
  receive("MUG", 2);
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(1, "MUG") == 2; }));
  std::jthread operators([&] { EXPECT_TRUE(running.projector().switch_over(alice)); });
  ASSERT_TRUE(running.comes_to(
      [&](const auto&) { return running.noted().back() == "GenerationSwitched" && running.noted().size() > 5; }));
  EXPECT_EQ(shelf_.live(), 1);
  EXPECT_FALSE(running.comes_to([&](const auto&) { return shelf_.live() == 2; }, 100));
  blind.now = false;
  ASSERT_TRUE(running.comes_to(at(2)));
  EXPECT_EQ(on_hand(2, "MUG"), 2);
}

TEST_F(RebuildTest, ARollbackIsBroughtToThePresentBeforeItIsShown) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  ASSERT_TRUE(running.projector().order_rebuild(false, true, alice));
  ASSERT_TRUE(running.comes_to(at(2)));
  receive("MUG", 2);
  receive("CUP", 9);
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(2, "CUP") == 9; }));
  const auto back = running.projector().roll_back(alice);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back.value(), 1);
  EXPECT_EQ(shelf_.live(), 1);
  EXPECT_EQ(on_hand(1, "CUP"), 9);
  EXPECT_EQ(running.noted().back(), "GenerationRolledBack");
  const auto forth = running.projector().roll_back(alice);
  ASSERT_TRUE(forth) << forth.error().message;
  EXPECT_EQ(forth.value(), 2) << "the former is the one that was left";
}

TEST_F(RebuildTest, OneFormerIsKeptUntilItIsPruned) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  for (const int64_t number : {2, 3}) {
    ASSERT_TRUE(running.projector().order_rebuild(false, true, alice));
    ASSERT_TRUE(running.comes_to(at(number)));
  }
  EXPECT_EQ(shelf_.generations(), (std::vector<int64_t>{2, 3}));
  const auto pruned = running.projector().prune(alice);
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned.value(), std::vector<int64_t>{2});
  EXPECT_EQ(shelf_.generations(), std::vector<int64_t>{3});
  const auto back = running.projector().roll_back(alice);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::conflict);
}

TEST_F(RebuildTest, WhatWaitsForAWordIsPrunedToo) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  ASSERT_TRUE(running.projector().order_rebuild(false, false, alice));
  ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  const auto pruned = running.projector().prune(alice);
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned.value(), std::vector<int64_t>{2});
  EXPECT_TRUE(running.comes_to(phase(Phase::stopped)));
  EXPECT_EQ(shelf_.generations(), std::vector<int64_t>{1});
}

TEST_F(RebuildTest, NothingIsMovedByWhoExpectedAnotherGeneration) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  const auto no = running.projector().order_rebuild(false, true, {"alice", "", 7});
  ASSERT_FALSE(no);
  EXPECT_EQ(no.error().code, Code::conflict);
  EXPECT_TRUE(running.projector().order_rebuild(false, false, {"alice", "", 1}));
  const auto second = running.projector().order_rebuild(false, false, alice);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict) << "one is under way";
}

TEST_F(RebuildTest, AKillInTheMiddleIsGoneOnFromWithWhatWasAsked) {
  receive("MUG", 1);
  receive("CUP", 2);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.comes_to(at(1)));
    ASSERT_TRUE(running.projector().order_rebuild(true, false, alice));
    ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  }
  receive("MUG", 3);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  const BuildStatus build = *running.projector().status().build;
  EXPECT_EQ(build.generation, 2);
  EXPECT_EQ(build.events, 1) << "not from the beginning";
  EXPECT_EQ(build.order.actor, "alice");
  ASSERT_TRUE(build.comparison) << "it was to be compared";
  EXPECT_TRUE(build.comparison->same());
  EXPECT_EQ(shelf_.live(), 1) << "by hand";
  EXPECT_TRUE(running.projector().switch_over(alice));
  EXPECT_EQ(shelf_.live(), 2);
}

// Between any two steps of a switch: the former taken away, the pointer moved, the order taken off.
TEST_F(RebuildTest, AKillInASwitchLeavesOneLiveAndOneFormer) {
  receive("MUG", 1);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.comes_to(at(1)));
    ASSERT_TRUE(running.projector().order_rebuild(false, false, alice));
    ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  }
  shelf_.set_live(2);  // and no more
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(2)));
  EXPECT_EQ(shelf_.note(2, order_note), "");
  EXPECT_EQ(shelf_.generations(), (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(running.projector().status().build);
  EXPECT_TRUE(running.projector().roll_back(alice));
}

TEST_F(RebuildTest, WhatIsStoppedStaysAndIsGoneOnWithWhenItIsAskedForAgain) {
  receive("MUG", 1);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.comes_to(at(1)));
    EXPECT_FALSE(running.projector().stop_build(alice)) << "nothing is under way";
    ASSERT_TRUE(running.projector().order_rebuild(false, false, alice));
    ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
    const auto stopped = running.projector().stop_build(alice);
    ASSERT_TRUE(stopped) << stopped.error().message;
    EXPECT_EQ(stopped.value(), 2);
    EXPECT_FALSE(running.projector().switch_over(alice));
  }
  receive("MUG", 2);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  EXPECT_FALSE(running.projector().status().build) << "not by itself";
  EXPECT_FALSE(running.projector().roll_back(alice)) << "it was never live";
  const auto ordered = running.projector().order_rebuild(false, true, alice);
  ASSERT_TRUE(ordered);
  EXPECT_EQ(ordered.value(), 2);
  ASSERT_TRUE(running.comes_to(at(2)));
  EXPECT_EQ(running.projector().status().build->events, 1);
  EXPECT_EQ(on_hand(2, "MUG"), 2);
}

TEST_F(RebuildTest, APausedViewIsServedAsItStandsUntilItIsResumedAlsoAfterARestart) {
  receive("MUG", 1);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.comes_to(at(1)));
    EXPECT_FALSE(running.projector().pause(alice));
    EXPECT_TRUE(running.projector().status().paused);
    receive("MUG", 2);
  }
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(
      running.comes_to([](const Projector::Status& status) { return status.generation == 1 && status.paused; }));
  EXPECT_EQ(on_hand(1, "MUG"), 1);
  ASSERT_TRUE(running.projector().order_rebuild(true, false, alice)) << "it is compared at where the live one stands";
  ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  EXPECT_TRUE(running.projector().status().build->comparison->same());
  EXPECT_EQ(on_hand(2, "MUG"), 2);
  EXPECT_EQ(on_hand(1, "MUG"), 1);
  EXPECT_FALSE(running.projector().resume(alice));
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(1, "MUG") == 2; }));
  EXPECT_EQ(running.noted().back(), "ViewResumed");
}

TEST_F(RebuildTest, ACheckpointBecomesAGenerationAndIsBroughtToThePresent) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  const auto made = running.projector().checkpoint("/copy", alice);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(running.projector().checkpoint("/copy", alice)) << "it is there already";
  receive("MUG", 2);
  const auto restored = running.projector().restore("/copy", alice);
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_TRUE(running.comes_to(at(2)));
  EXPECT_EQ(on_hand(2, "MUG"), 2);
  EXPECT_LE(running.projector().status().build->events, 1) << "not from the beginning";
  EXPECT_EQ(running.noted(), (std::vector<std::string>{"RebuildStarted", "RebuildFinished", "GenerationSwitched",
                                                       "CheckpointMade", "CheckpointRestored", "GenerationSwitched"}));
}

TEST_F(RebuildTest, ACheckpointOfOtherLogsOfAnotherVersionOrOfNothingIsRefusedAndLeavesNothing) {
  receive("MUG", 1);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.comes_to(at(1)));
    ASSERT_TRUE(running.projector().checkpoint("/copy", alice));
    const auto nothing = running.projector().restore("/elsewhere", alice);
    ASSERT_FALSE(nothing);
    EXPECT_NE(nothing.error().message.find("no finished checkpoint"), std::string::npos);
  }
  std::atomic<bool> others{false};
  {
    Running<Stock> running(shelf_, memory_, nullptr, [&](const auto& positions) -> std::optional<std::string> {
      if (others && positions[0].second.offset > 0) return "they are of other logs";
      return std::nullopt;
    });
    ASSERT_TRUE(running.comes_to(at(1)));
    others = true;
    const auto refused = running.projector().restore("/copy", alice);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::conflict);
    EXPECT_EQ(refused.error().message, "they are of other logs");
    EXPECT_EQ(shelf_.generations(), std::vector<int64_t>{1});
    others = false;
    EXPECT_TRUE(running.projector().restore("/copy", alice)) << "nothing is under way";
    ASSERT_TRUE(running.comes_to(at(3)));
  }
  Running<StockOfLater> later(shelf_, memory_);
  ASSERT_TRUE(later.comes_to([](const Projector::Status& status) { return !status.building; }));
  const auto refused = later.projector().restore("/copy", alice);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("version"), std::string::npos);
}

TEST_F(RebuildTest, ARebuildFromATimeGoesOnFromTheNewestThatIsNoLater) {
  receive("MUG", 1);
  receive("MUG", 2);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  Projector& projector = running.projector();
  const auto from = [&](Projector::Start start) { return projector.order_rebuild_from(start, true, true, alice); };
  const auto refused = from({.at_ms = steady_ms(), .offsets = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  ASSERT_TRUE(projector.checkpoint("/copy", alice));
  EXPECT_FALSE(from({.at_ms = 1, .offsets = {}})) << "it is later";
  EXPECT_FALSE(from({.at_ms = {}, .offsets = {{log0, 2}}})) << "it is farther";
  receive("MUG", 3);
  ASSERT_TRUE(from({.at_ms = {}, .offsets = {{log0, 3}}}));
  ASSERT_TRUE(running.comes_to(at(2)));
  EXPECT_LE(projector.status().build->events, 1) << "not from the beginning";
  EXPECT_TRUE(projector.status().build->comparison->same());
  receive("MUG", 4);
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(2, "MUG") == 4; }));
  const auto former = from({.at_ms = steady_ms(), .offsets = {}});
  ASSERT_TRUE(former) << former.error().message;
  EXPECT_EQ(former.value(), 1) << "it was left after the checkpoint was made";
  ASSERT_TRUE(running.comes_to(at(1)));
  EXPECT_EQ(on_hand(1, "MUG"), 4);
}

TEST_F(RebuildTest, ARowIsFoldedAnewAloneAndItIsSaidWhetherItChanged) {
  receive("MUG", 1);
  receive("CUP", 2);
  ASSERT_EQ(shard_of("MUG", 2), 0) << "it lies where it belongs";
  { ASSERT_TRUE(Running<Stock>(shelf_, memory_).comes_to(at(1))); }
  plant("MUG", 999, 50);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(1)));
  receive("MUG", 3);  // what is planted goes on being folded
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(1, "MUG") == 3; }));
  auto row = running.projector().rebuild_row("MUG", alice);
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_TRUE(row.value().changed);
  ASSERT_EQ(row.value().rows.size(), 1u);
  EXPECT_NE(row.value().rows[0].stored, row.value().rows[0].rebuilt);
  EXPECT_EQ(stored(1, "MUG").low_stock_threshold(), 0);
  row = running.projector().rebuild_row("MUG", alice);
  ASSERT_TRUE(row);
  EXPECT_FALSE(row.value().changed);
  receive("MUG", 4);
  ASSERT_TRUE(running.comes_to([&](const auto&) { return on_hand(1, "MUG") == 4; }));
  EXPECT_EQ(stored(1, "MUG").low_stock_threshold(), 0) << "the fold went on from what it knew of the row";

  const auto none = running.projector().rebuild_row("PLATE", alice);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::not_found);
  EXPECT_EQ(running.noted().back(), "RowRebuilt");
}

TEST_F(RebuildTest, AnotherVersionOfTheCodeCannotBeRolledBackTo) {
  receive("MUG", 1);
  { ASSERT_TRUE(Running<Stock>(shelf_, memory_).comes_to(at(1))); }
  Running<StockOfLater> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(at(2)));
  const auto back = running.projector().roll_back(alice);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::conflict);
  EXPECT_EQ(shelf_.generations(), (std::vector<int64_t>{1, 2}));
}

TEST_F(RebuildTest, ADamagedOneInTheMakingIsBegunAgain) {
  receive("MUG", 1);
  {
    Running<Stock> running(shelf_, memory_);
    ASSERT_TRUE(running.comes_to(at(1)));
    ASSERT_TRUE(running.projector().order_rebuild(false, false, alice));
    ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  }
  shelf_.damage(2);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to(phase(Phase::ready)));
  EXPECT_EQ(running.projector().status().build->generation, 3);
  EXPECT_EQ(shelf_.live(), 1);
  EXPECT_EQ(on_hand(3, "MUG"), 1);
}

}  // namespace
}  // namespace everfold::testing
