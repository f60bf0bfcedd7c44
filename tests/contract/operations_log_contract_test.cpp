// The operations log over every pair of LogSource and LogAppender: in memory, and Kafka's when KAFKA_BROKERS names one.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "platform/kafka/operations_log.hpp"
#include "platform/kafka/topology.hpp"
#include "runtime/log/memory_log.hpp"
#include "schemas/operations/events.hpp"
#include "tests/contract/kafka_for_tests.hpp"

namespace everfold {
namespace {

using namespace operations;
constexpr int timeout_ms = 10'000;
constexpr int64_t noon_ms = 1'767'182'400'000;

using MakeLog = std::function<std::unique_ptr<OperationsLog>()>;  // each time another program's

struct Kind {
  const char* name;
  MakeLog (*make)();
};

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

MakeLog memory() {
  const auto logs = std::make_shared<MemoryLogs>();
  return [logs] {
    return std::make_unique<OperationsLog>(std::make_unique<MemoryLogSource>(logs),
                                           std::make_unique<MemoryLogAppender>(logs), steady_ms);
  };
}

void ignore(std::string_view) {}

MakeLog real_kafka() {
  const kafka::KafkaOptions options = tests::kafka_options("operations");
  EXPECT_EQ(kafka::ensure_topics(options, {}, 30'000), std::nullopt);
  return [options] { return kafka::make_operations_log(options, ignore); };
}

StoredEvent paused(const std::string& id, const std::string& actor = "ann") {
  v1::ViewPaused message;
  message.set_view("orders");
  return operation(message, {id, actor, noon_ms, "why-7"});
}

StoredEvent pruned() {
  v1::GenerationsPruned message;
  message.set_view("stock");
  message.add_generations(3);
  message.add_generations(4);
  return operation(message, {"b", "bob", noon_ms + 1, ""});
}

class OperationsLogContract : public testing::TestWithParam<Kind> {
 protected:
  const MakeLog make_log = GetParam().make();
};

TEST_P(OperationsLogContract, AnEmptyLogHasNone) { EXPECT_TRUE(make_log()->all(timeout_ms).empty()); }

TEST_P(OperationsLogContract, AnotherProgramReadsWhatWhoAndWhenInOrder) {
  const auto log = make_log();
  log->append(paused("a"), timeout_ms);
  log->append(pruned(), timeout_ms);

  const auto all = make_log()->all(timeout_ms);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].meta.type, "everfold.operations.ViewPaused.v1");
  EXPECT_EQ(all[0].meta.aggregate_id, "orders");
  EXPECT_EQ(all[0].meta.id, "a");
  EXPECT_EQ(all[0].meta.actor, "ann");
  EXPECT_EQ(all[0].meta.time_ms, noon_ms);
  EXPECT_EQ(all[0].meta.correlation_id, "why-7");
  const auto second = decode<Event>(all[1].meta.type, all[1].bytes);
  ASSERT_TRUE(second && std::holds_alternative<v1::GenerationsPruned>(*second));
  EXPECT_EQ(std::get<v1::GenerationsPruned>(*second).generations(1), 4);
}

TEST_P(OperationsLogContract, OneIdIsNotedOnceWhoeverAppendsIt) {
  const auto first = make_log(), second = make_log();
  first->append(paused("a"), timeout_ms);
  first->append(paused("a"), timeout_ms);
  second->append(paused("a", "carl"), timeout_ms);
  second->append(pruned(), timeout_ms);
  for (const auto& log : {first.get(), second.get()}) {
    const auto all = log->all(timeout_ms);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].meta.actor, "ann") << "the first counts";
    EXPECT_EQ(all[1].meta.id, "b");
  }
}

TEST_P(OperationsLogContract, WhatAnotherProgramAppendsLaterIsThereToo) {
  const auto reader = make_log(), writer = make_log();
  writer->append(paused("a"), timeout_ms);
  EXPECT_EQ(reader->all(timeout_ms).size(), 1u);
  writer->append(paused("c"), timeout_ms);
  EXPECT_EQ(reader->all(timeout_ms).size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Memory, OperationsLogContract, testing::Values(Kind{"Memory", memory}),
                         [](const auto& tested) { return std::string(tested.param.name); });
INSTANTIATE_TEST_SUITE_P(Kafka, OperationsLogContract, testing::Values(Kind{"Kafka", real_kafka}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(OperationsLog, ARecordThatIsLostIsToldAndCanBeAppendedAgain) {
  const auto logs = std::make_shared<MemoryLogs>();
  auto owned = std::make_unique<MemoryLogAppender>(logs);
  MemoryLogAppender& appender = *owned;
  OperationsLog log(std::make_unique<MemoryLogSource>(logs), std::move(owned), steady_ms);
  appender.lose(1);
  EXPECT_THROW(log.append(paused("a"), 60), std::runtime_error);
  EXPECT_TRUE(log.all(timeout_ms).empty());
  log.append(paused("a"), timeout_ms);
  EXPECT_EQ(log.all(timeout_ms).size(), 1u);
}

TEST(OperationsLog, AnAppenderInDoubtIsNotWaitedFor) {
  const auto logs = std::make_shared<MemoryLogs>();
  auto owned = std::make_unique<MemoryLogAppender>(logs);
  MemoryLogAppender& appender = *owned;
  OperationsLog log(std::make_unique<MemoryLogSource>(logs), std::move(owned), steady_ms);
  appender.doubt();
  const int64_t before_ms = steady_ms();
  EXPECT_THROW(log.append(paused("a"), 60'000), std::runtime_error);
  EXPECT_LT(steady_ms() - before_ms, 30'000);
  log.append(paused("a"), timeout_ms);
}

TEST(OperationsLog, KafkaThatIsAwayIsToldWithinTheTimeout) {
  kafka::KafkaOptions options;
  options.brokers = "127.0.0.1:1";
  const auto log = kafka::make_operations_log(options, ignore);
  const int64_t before_ms = steady_ms();
  EXPECT_THROW(log->append(paused("a"), 300), std::runtime_error);
  EXPECT_THROW(log->all(300), std::runtime_error);
  EXPECT_LT(steady_ms() - before_ms, 10'000);
}

}  // namespace
}  // namespace everfold
