// A projector of stock on its own thread, over logs and a shelf in memory.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "projections/inventory/stock.hpp"
#include "runtime/views/folded_view.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "runtime/views/projector.hpp"
#include "tests/messages.hpp"
#include "tests/written_log.hpp"

namespace everfold::testing {

using inventory::Stock;

inline const LogId log0{"inventory", 0};
inline const LogId log1{"inventory", 1};

inline int64_t steady_ms() {
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

struct Blindness {
  std::atomic<bool> now{false};
  std::atomic<int> polls{0};  // that read nothing because of it
};

// Reads nothing while it is blind.
class BlindSource final : public LogSource {
 public:
  BlindSource(std::unique_ptr<LogSource> source, std::shared_ptr<Blindness> blind)
      : source_(std::move(source)), blind_(std::move(blind)) {}
  void assign(std::vector<std::pair<LogId, int64_t>> logs) override { source_->assign(std::move(logs)); }
  std::size_t poll(int timeout_ms, const Sink& sink) override {
    if (!blind_->now) return source_->poll(timeout_ms, sink);
    ++blind_->polls;
    std::this_thread::sleep_for(std::chrono::milliseconds(timeout_ms));
    return 0;
  }
  int64_t end_offset(const LogId& log, int timeout_ms) override { return source_->end_offset(log, timeout_ms); }
  std::vector<WantedPosition> end_positions(int timeout_ms) override { return source_->end_positions(timeout_ms); }
  void wake() override { source_->wake(); }

 private:
  std::unique_ptr<LogSource> source_;
  std::shared_ptr<Blindness> blind_;
};

// A projector on its own thread.
template <class V>
class Running {
 public:
  using Refusal = decltype(Projector::Ports::refusal);
  Running(
      ViewShelf& shelf, std::shared_ptr<MemoryLogs> memory, int* kafka_failures = nullptr,
      Refusal refusal = [](const auto&) { return std::nullopt; })
      : projector_([] { return std::make_unique<FoldedView<V>>(); }, {log0, log1},
                   {shelf, [=, this](bool) { return make_source(memory, kafka_failures); }, steady_ms,
                    [this](std::string_view sentence) { remember(sentence); },
                    [this](std::string_view sentence) { remember(sentence); }, turn_, std::move(refusal),
                    [this](const StoredEvent& operation) { note(operation); }, steady_ms},
                   {.poll_ms = 1, .look_ms = 1, .build_threads = 2}),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  Projector& projector() { return projector_; }
  // Of the sources that are made from now on.
  Blindness& blind_from_now_on() {
    may_go_blind_ = true;
    return *blind_;
  }
  std::vector<std::string> noted() {  // the types of what was noted
    const std::lock_guard lock(mutex_);
    return noted_;
  }
  std::vector<StoredEvent> operations() {
    const std::lock_guard lock(mutex_);
    return operations_;
  }
  template <class Condition>
  ::testing::AssertionResult comes_to(Condition condition, int64_t within_ms = 10'000) {
    const int64_t deadline_ms = steady_ms() + within_ms;
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
  std::unique_ptr<LogSource> make_source(const std::shared_ptr<MemoryLogs>& memory, int* kafka_failures) {
    std::unique_ptr<LogSource> source = std::make_unique<MemoryLogSource>(memory);
    if (may_go_blind_) return std::make_unique<BlindSource>(std::move(source), blind_);
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
  void note(const StoredEvent& operation) {
    const std::lock_guard lock(mutex_);
    operations_.push_back(operation);
    const std::string& type = operation.meta.type;  // everfold.operations.RebuildStarted.v1
    noted_.push_back(type.substr(20, type.size() - 23));
  }
  void remember(std::string_view sentence) {
    const std::lock_guard lock(mutex_);
    said_.append(sentence).append("\n");
  }

  BuildTurn turn_;
  std::atomic<bool> may_go_blind_{false};
  const std::shared_ptr<Blindness> blind_ = std::make_shared<Blindness>();
  std::mutex mutex_;
  std::string said_;
  std::vector<std::string> noted_;
  std::vector<StoredEvent> operations_;
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
  WrittenLog writer0_{memory_, log0};
  WrittenLog writer1_{memory_, log1};
  MemoryViewShelf shelf_;
};

}  // namespace everfold::testing
