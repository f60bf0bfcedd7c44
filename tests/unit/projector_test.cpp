#include "runtime/projector.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "projections/inventory/stock.hpp"
#include "runtime/folded_view.hpp"
#include "runtime/memory_view_store.hpp"
#include "tests/messages.hpp"
#include "tests/written_log.hpp"

namespace everfold {
namespace {

using inventory::Stock;
using testing::make;

const LogId log0{"inventory", 0};
const LogId log1{"inventory", 1};

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// The same fold by the next version of its code.
struct StockOfLater : Stock {
  static constexpr int version = Stock::version + 1;
};

// Kafka that cannot be reached for the first few questions.
class AwaySource final : public LogSource {
 public:
  AwaySource(std::unique_ptr<LogSource> source, int& failures) : source_(std::move(source)), failures_(failures) {}
  void assign(std::vector<std::pair<LogId, int64_t>> logs) override { source_->assign(std::move(logs)); }
  std::size_t poll(int timeout_ms, const Sink& sink) override { return source_->poll(timeout_ms, sink); }
  int64_t end_offset(const LogId& log, int timeout_ms) override {
    if (failures_-- > 0) throw std::runtime_error("Kafka is away");
    return source_->end_offset(log, timeout_ms);
  }
  std::vector<WantedPosition> end_positions(int timeout_ms) override { return source_->end_positions(timeout_ms); }
  void wake() override { source_->wake(); }

 private:
  std::unique_ptr<LogSource> source_;
  int& failures_;
};

// A projector on its own thread.
template <class V>
class Running {
 public:
  using Refusal = decltype(Projector::Ports::refusal);
  Running(ViewShelf& shelf, std::shared_ptr<MemoryLogs> memory, int* kafka_failures = nullptr,
          Refusal refusal = [](const auto&) { return std::nullopt; })
      : projector_(view_, {log0, log1},
                   {shelf, [=](bool) { return make_source(memory, kafka_failures); }, steady_ms,
                    [this](std::string_view sentence) { remember(sentence); },
                    [this](std::string_view sentence) { remember(sentence); }, turn_, std::move(refusal)},
                   {.poll_ms = 1, .look_ms = 1}),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  template <class Condition>
  ::testing::AssertionResult comes_to(Condition condition) {
    const int64_t deadline_ms = steady_ms() + 10'000;
    while (!condition(projector_.status())) {
      if (steady_ms() > deadline_ms) return ::testing::AssertionFailure() << "it never does; said: " << said();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return ::testing::AssertionSuccess();
  }
  ::testing::AssertionResult folds(int64_t events) {
    return comes_to([=](const Projector::Status& status) { return status.caught_up && status.events == events; });
  }
  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string failure() {
    thread_.join();
    return failure_;
  }
  std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  static std::unique_ptr<LogSource> make_source(const std::shared_ptr<MemoryLogs>& memory, int* kafka_failures) {
    auto source = std::make_unique<MemoryLogSource>(memory);
    if (!kafka_failures) return source;
    return std::make_unique<AwaySource>(std::move(source), *kafka_failures);
  }
  void run(const std::stop_token& stop) {
    try {
      projector_.run(stop);
    } catch (const std::runtime_error& error) {
      failure_ = error.what();
    }
  }
  void remember(std::string_view sentence) {
    const std::lock_guard lock(mutex_);
    said_.append(sentence).append("\n");
  }

  FoldedView<V> view_;
  BuildTurn turn_;
  std::mutex mutex_;
  std::string said_;
  std::string failure_;
  Projector projector_;
  std::jthread thread_;
};

class ProjectorTest : public ::testing::Test {
 protected:
  static inventory::Event received(int64_t on_hand) {
    return make<inventory::v1::StockReceived>("quantity: 1 on_hand: " + std::to_string(on_hand));
  }
  void receive(const std::string& sku, int64_t on_hand) { writer0_.commit<inventory::Event>(sku, {received(on_hand)}); }

  int64_t on_hand(int64_t generation, const std::string& sku) {
    const auto bytes = shelf_.store(generation).row(sku);
    inventory::v1::StockRow row;
    return bytes && row.ParseFromString(*bytes) ? row.on_hand() : -1;
  }
  void expect_at_the_end(int64_t generation) {
    for (const LogId& log : {log0, log1})
      EXPECT_EQ(shelf_.store(generation).position(log).offset, memory_->end(log)) << to_string(log);
  }

  std::shared_ptr<MemoryLogs> memory_ = std::make_shared<MemoryLogs>();
  testing::WrittenLog writer0_{memory_, log0};
  testing::WrittenLog writer1_{memory_, log1};
  MemoryViewShelf shelf_;
};

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
  EXPECT_EQ(shelf_.generations(), std::vector<int64_t>{2});
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
  FoldedView<Stock> view;
  BuildTurn turn;
  Projector projector(view, {log0, log1},
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
}  // namespace everfold
