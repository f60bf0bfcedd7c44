// What every pair of LogSource and LogAppender must do: run for the logs in memory, and for Kafka's when KAFKA_BROKERS names one
// (./dev test starts it).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "platform/kafka/log_source.hpp"
#include "platform/kafka/log_watch.hpp"
#include "platform/kafka/topology.hpp"
#include "runtime/log/memory_log.hpp"
#include "runtime/log/stored_event.hpp"
#include "tests/contract/kafka_for_tests.hpp"

namespace everfold {
namespace {

struct Store {
  std::function<std::unique_ptr<LogSource>()> source;
  std::function<std::unique_ptr<LogAppender>()> appender;
};

struct Kind {
  const char* name;
  Store (*make)();
};

Store memory() {
  auto logs = std::make_shared<MemoryLogs>();
  return {[=] { return std::make_unique<MemoryLogSource>(logs); }, [=] { return std::make_unique<MemoryLogAppender>(logs); }};
}

Store real_kafka() {
  const kafka::KafkaOptions options = tests::kafka_options("contract");
  EXPECT_EQ(kafka::ensure_topics(options, {"orders", "carts"}, 30'000), std::nullopt);
  const auto warn = [](std::string_view) {};
  return {[=] { return kafka::make_log_source(options, kafka::Reading::low_latency, warn); },
          [=] { return kafka::make_log_appender(options, warn); }};
}

const LogId orders0{"orders", 0}, orders1{"orders", 1}, carts0{"carts", 0};

OutgoingRecord record(const std::string& key, const std::string& value) {
  return {key, value, {{"ce_log", "1.1.1/1"}, {"ce_type", "t"}, {"empty", ""}}};
}

struct Seen {
  std::size_t log;
  int64_t offset;
  std::string key, value, first_header, type;
};

class EventLogContract : public testing::TestWithParam<Kind> {
 protected:
  Store store = GetParam().make();

  // Polls until `count` records were seen; fails after ten seconds.
  std::vector<Seen> read(LogSource& source, std::size_t count) {
    std::vector<Seen> seen;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (seen.size() < count && std::chrono::steady_clock::now() < deadline)
      source.poll(100, [&](std::size_t log, const RecordView& view) {
        seen.push_back({log, view.offset, std::string(view.key), std::string(view.value),
                        std::string(view.headers.front().second), std::string(view.header("ce_type"))});
      });
    EXPECT_EQ(seen.size(), count);
    return seen;
  }
};

TEST_P(EventLogContract, WhatIsAppendedIsReadInOrderWithKeyValueAndHeaders) {
  const auto appender = store.appender();
  const auto source = store.source();
  source->assign({{orders0, 0}, {carts0, 0}});
  for (int i = 0; i < 100; ++i) appender->append(orders0, record("k", std::to_string(i)));
  const auto seen = read(*source, 100);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].log, 0u);
    EXPECT_EQ(seen[i].offset, static_cast<int64_t>(i));
    EXPECT_EQ(seen[i].value, std::to_string(i));
    EXPECT_EQ(seen[i].key, "k");
    EXPECT_EQ(seen[i].first_header, "1.1.1/1");
    EXPECT_EQ(seen[i].type, "t");
  }
  EXPECT_FALSE(appender->in_doubt());
}

TEST_P(EventLogContract, LogsAreApartAndNamedByTheirPlaceInTheAssignment) {
  const auto appender = store.appender();
  const auto source = store.source();
  source->assign({{carts0, 0}, {orders1, 0}, {orders0, 0}});
  appender->append(orders0, record("a", "1"));
  appender->append(orders1, record("b", "2"));
  appender->append(carts0, record("c", "3"));
  std::map<std::string, std::size_t> place;
  for (const Seen& seen : read(*source, 3)) place[seen.key] = seen.log;
  EXPECT_EQ(place, (std::map<std::string, std::size_t>{{"c", 0}, {"b", 1}, {"a", 2}}));
}

TEST_P(EventLogContract, ASourceStartsWhereItIsTold) {
  const auto appender = store.appender();
  for (int i = 0; i < 5; ++i) appender->append(orders0, record("k", std::to_string(i)));
  const auto all = store.source();
  all->assign({{orders0, 0}});
  read(*all, 5);
  const auto source = store.source();
  source->assign({{orders0, 3}});
  const auto seen = read(*source, 2);
  EXPECT_EQ(seen.at(0).offset, 3);
  EXPECT_EQ(seen.at(0).value, "3");
}

TEST_P(EventLogContract, TheEndIsTheOffsetOfTheNextRecord) {
  const auto appender = store.appender();
  const auto source = store.source();
  EXPECT_EQ(source->end_offset(orders0, 5'000), 0);
  appender->append(orders0, record("k", "v"));
  source->assign({{orders0, 0}});
  read(*source, 1);
  EXPECT_EQ(source->end_offset(orders0, 5'000), 1);
}

TEST_P(EventLogContract, AWakeEndsAWait) {
  const auto source = store.source();
  source->assign({{orders0, 0}});
  const auto nothing = [](std::size_t, const RecordView&) {};
  source->poll(1, nothing);
  const auto before = std::chrono::steady_clock::now();
  const std::jthread waker([&] { source->wake(); });
  source->poll(20'000, nothing);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
}

TEST_P(EventLogContract, ASessionThatIsGivenUpCanBeFollowedByAnother) {
  const auto appender = store.appender();
  const auto source = store.source();
  source->assign({{orders0, 0}});
  appender->append(orders0, record("k", "before"));
  read(*source, 1);
  appender->new_session();
  EXPECT_FALSE(appender->in_doubt());
  appender->append(orders0, record("k", "after"));
  EXPECT_EQ(read(*source, 1).at(0).value, "after");
}

INSTANTIATE_TEST_SUITE_P(Memory, EventLogContract, testing::Values(Kind{"Memory", memory}),
                         [](const auto& tested) { return std::string(tested.param.name); });
INSTANTIATE_TEST_SUITE_P(Kafka, EventLogContract, testing::Values(Kind{"Kafka", real_kafka}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Topology, AnotherPartitionCountIsRefusedWithTheRemedy) {
  kafka::KafkaOptions options = tests::kafka_options("topology");
  ASSERT_EQ(kafka::ensure_topics(options, {"orders"}, 30'000), std::nullopt);
  ASSERT_EQ(kafka::ensure_topics(options, {"orders"}, 30'000), std::nullopt) << "a second start";
  options.partitions = 3;
  const auto refusal = kafka::ensure_topics(options, {"orders"}, 30'000);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_NE(refusal->find("--partitions 2"), std::string::npos) << *refusal;
  const auto later = kafka::ensure_topics(options, {"carts"}, 30'000);  // its topics are new, the installation is not
  ASSERT_TRUE(later.has_value());
  EXPECT_NE(later->find("\"partitions\":2"), std::string::npos) << *later;
}

// A broker sends such a batch for the first log of a request only.
TEST(LogWatch, LogsThatBeginWithLargeBatchesAreSeenAtOnce) {
  constexpr int batches = 10;
  kafka::KafkaOptions options = tests::kafka_options("watch");
  options.partitions = 8;
  ASSERT_EQ(kafka::ensure_topics(options, {"orders", "carts"}, 30'000), std::nullopt);
  std::string large;  // compressed too
  for (uint32_t i = 0, x = 1; i < 20'000; ++i) large += static_cast<char>((x = x * 1'664'525 + 1'013'904'223) >> 24);
  std::vector<LogId> logs;
  for (int shard = 0; shard < options.partitions; ++shard) logs.insert(logs.end(), {{"orders", shard}, {"carts", shard}});
  const auto warn = [](std::string_view) {};
  const auto appender = kafka::make_log_appender(options, warn);
  const auto source = kafka::make_log_source(options, kafka::Reading::low_latency, warn);
  std::vector<std::pair<LogId, int64_t>> from;
  for (const LogId& log : logs) {
    for (int batch = 0; batch < batches; ++batch) {
      appender->append(log, record(to_string(log), large));
      while (appender->in_flight() > 0) ASSERT_FALSE(appender->in_doubt());
    }
    from.emplace_back(log, 0);
  }
  source->assign(from);
  kafka::Positions positions;
  for (int tries = 0; positions.size() < logs.size() && tries < 100; ++tries)
    source->poll(100, [&](std::size_t log, const RecordView& first) {
      if (first.offset > 0) return;
      positions.emplace_back(logs[log], LogPosition{});
      positions.back().second.offset = batches;
      positions.back().second.origin = origin_of(first);
    });
  ASSERT_EQ(positions.size(), logs.size());

  const kafka::LogWatch watch(options, {"orders", "carts"});
  EXPECT_EQ(watch.refusal(positions, "here", 10'000), std::nullopt);
  positions.back().second.origin += 1;
  EXPECT_NE(watch.refusal(positions, "here", 20'000), std::nullopt) << "and what they are is looked at";
}

}  // namespace
}  // namespace everfold
