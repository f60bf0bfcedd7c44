// A generation in the making that comes to nothing: it is noted that it failed, before it is gone, and once.
#include <set>

#include "runtime/views/view_generations.hpp"
#include "schemas/operations/v1/events.pb.h"
#include "tests/unit/projector_fixture.hpp"

namespace everfold::testing {
namespace {

using Finished = operations::v1::RebuildFinished;

std::vector<std::string> ends(const std::vector<StoredEvent>& operations) {  // "2 FAILED: it was deleted"
  std::vector<std::string> ends;
  for (const StoredEvent& operation : operations) {
    Finished message;
    if (operation.meta.type != type_of<Finished>() || !message.ParseFromString(operation.bytes)) continue;
    ends.push_back(std::to_string(message.generation()) + " " + Finished::Outcome_Name(message.outcome()) +
                   (message.failure().empty() ? "" : ": " + message.failure()));
  }
  return ends;
}

using FailedBuildTest = ProjectorTest;

TEST_F(FailedBuildTest, WhatIsDeletedInTheMakingHasFailedAndAnotherIsBegun) {
  receive("MUG", 1);
  Running<Stock> running(shelf_, memory_);
  ASSERT_TRUE(running.comes_to([](const auto& status) { return status.generation == 1 && status.caught_up; }));
  ASSERT_TRUE(running.projector().order_rebuild(false, false, {"alice", "correlation", std::nullopt}));
  const auto ready = [](int64_t generation) {
    return [=](const Projector::Status& status) {
      return status.build && status.build->generation == generation &&
             status.build->phase == RebuildSteps::Phase::ready;
    };
  };
  const auto noted = [&](std::size_t finished) {
    return [&running, finished](const auto&) { return ends(running.operations()).size() == finished; };
  };
  ASSERT_TRUE(running.comes_to(ready(2)));
  ASSERT_TRUE(running.comes_to(noted(2)));
  shelf_.remove(2);
  ASSERT_TRUE(running.comes_to(ready(3)));
  ASSERT_TRUE(running.comes_to(noted(4)));
  running.stop();
  const auto operations = running.operations();
  EXPECT_EQ(ends(operations), (std::vector<std::string>{"1 READY", "2 READY", "2 FAILED: it was deleted", "3 READY"}));
  std::set<std::string> ids;
  for (const StoredEvent& operation : operations) EXPECT_TRUE(ids.insert(operation.meta.id).second) << "noted for good";
}

// No fold: generations as they are found when the program starts.
class FailedGenerationTest : public ::testing::TestWithParam<RebuildOrder::Kind> {
 protected:
  // Generation 1 is live, 2 is in the making; as a kill leaves them.
  FailedGenerationTest() {
    shelf_.create(1, Stock::version);
    shelf_.set_live(1);
    shelf_.create(2, Stock::version);
    RebuildOrder order;
    order.kind = GetParam();
    order.id = "order";
    order.actor = "alice";
    shelf_.set_note(2, order_note, to_text(order));
  }
  ViewGenerations::Opened opened(int code_version = Stock::version) {
    return ViewGenerations("stock", code_version, ports_).open();
  }
  // Another is begun instead, if it can be: a rollback's or a checkpoint's rows are nowhere else.
  void expect_another(const std::optional<Build>& build) {
    ASSERT_EQ(build.has_value(), GetParam() == RebuildOrder::Kind::rebuild);
    EXPECT_EQ(build ? build->generation.number : 3, 3);
  }

  MemoryViewShelf shelf_;
  BuildTurn turn_;
  std::vector<StoredEvent> noted_;
  enum class Kafka { there, away, killed_after } kafka_ = Kafka::there;
  const ViewPorts ports_{.shelf = shelf_,
                         .make_source = {},
                         .now_ms = steady_ms,
                         .say = [](std::string_view) {},
                         .warn = [](std::string_view) {},
                         .turn = turn_,
                         .note =
                             [this](const StoredEvent& operation) {
                               if (kafka_ == Kafka::away) throw std::runtime_error("Kafka is away");
                               noted_.push_back(operation);
                               if (kafka_ == Kafka::killed_after) throw std::runtime_error("killed");
                             }};
};

TEST_P(FailedGenerationTest, ADamagedOneIsNotedAndSetAside) {
  shelf_.damage(2);
  const auto found = opened();
  EXPECT_EQ(ends(noted_), std::vector<std::string>{"2 FAILED: generation 2 is damaged"});
  EXPECT_EQ(noted_.at(0).meta.actor, "alice");
  EXPECT_EQ(shelf_.note(2, order_note), "");
  expect_another(found.build);
}

TEST_P(FailedGenerationTest, AnotherVersionsIsNotedAndRemoved) {
  const auto found = opened(Stock::version + 1);
  ASSERT_EQ(noted_.size(), 1u);
  EXPECT_TRUE(ends(noted_)[0].starts_with("2 FAILED: another version")) << ends(noted_)[0];
  expect_another(found.build);
}

TEST_P(FailedGenerationTest, NothingIsDoneUntilItIsNoted) {
  shelf_.damage(2);
  kafka_ = Kafka::away;
  EXPECT_THROW(opened(), ViewUnwritable);
  EXPECT_EQ(shelf_.generations(), (std::vector<int64_t>{1, 2}));
  EXPECT_NE(shelf_.note(2, order_note), "");
  kafka_ = Kafka::there;
  expect_another(opened().build);
  EXPECT_EQ(noted_.size(), 1u);
}

TEST_P(FailedGenerationTest, AKillBeforeItIsSetAsideNotesItUnderTheSameIdAgain) {
  shelf_.damage(2);
  kafka_ = Kafka::killed_after;
  EXPECT_THROW(opened(), ViewUnwritable);
  kafka_ = Kafka::there;
  expect_another(opened().build);
  ASSERT_EQ(noted_.size(), 2u);
  EXPECT_EQ(noted_[0].meta.id, noted_[1].meta.id) << "which the log takes once";
}

TEST_P(FailedGenerationTest, WhatWasSwitchedToAlreadyFailedNobody) {
  shelf_.set_live(2);  // and the order was not taken off any more
  shelf_.damage(2);
  opened();
  EXPECT_TRUE(noted_.empty());
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, FailedGenerationTest,
                         ::testing::Values(RebuildOrder::Kind::rebuild, RebuildOrder::Kind::rollback,
                                           RebuildOrder::Kind::restore),
                         [](const auto& of) { return std::string(to_string(of.param)); });

}  // namespace
}  // namespace everfold::testing
