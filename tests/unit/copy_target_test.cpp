// A copy of logs in memory: clean, whole and without duplicates, whatever it is interrupted by; never mixed into
// anything else.
#include "tools/replay/copying/copy_target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "kernel/shard.hpp"
#include "schemas/inventory/events.hpp"
#include "tests/written_log.hpp"
#include "tools/replay/history/merged_history.hpp"

namespace everfold::replay {
namespace {

using everfold::testing::WrittenLog;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr const char* context = "inventory";
constexpr int source_partitions = 2;
constexpr int target_partitions = 5;  // no multiple: every source log goes to every target log
constexpr const char* rules = "{}";

inventory::Event received(int64_t quantity) {
  inventory::v1::StockReceived event;
  event.set_quantity(quantity);
  return event;
}

std::vector<LogId> logs_of(int partitions) {
  std::vector<LogId> logs;
  for (int shard = 0; shard < partitions; ++shard) logs.push_back({context, shard});
  return logs;
}

// One run of a copy, with a producer of its own.
struct CopyRun {
  CopyRun(std::shared_ptr<MemoryLogs> source_logs, std::shared_ptr<MemoryLogs> target_logs,
          std::string with_rules = rules)
      : source(source_logs),
        target_source(target_logs),
        appender(std::move(target_logs)),
        target({{context}, target_partitions, std::move(with_rules), 2'000}, target_source, appender,
               {[] { return int64_t{1}; }, [this] { return now_ms += 100; },
                [] { return "nonce-" + std::to_string(++nonces); }}) {}

  // At most so many commits that were not there.
  int copy(int most = 1'000'000) {
    MergedHistory history(logs_of(source_partitions), source, MergedHistory::Order::by_time);
    int copied = 0;
    while (copied < most)
      if (const auto next = history.next(stop))
        copied += target.append(next->log, next->origin, next->commit) ? 1 : 0;
      else
        break;
    return copied;
  }
  void begin() {
    target.look(stop);
    target.take_over(stop);
  }
  int run() {
    begin();
    const int copied = copy();
    target.read_back(0, stop);
    return copied;
  }

  static inline int nonces = 0;
  int64_t now_ms = 0;
  std::stop_token stop;
  MemoryLogSource source, target_source;
  MemoryLogAppender appender;
  CopyTarget target;
};

class Copy : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int shard = 0; shard < source_partitions; ++shard) written.emplace_back(from, LogId{context, shard});
    for (int i = 0; i < 60; ++i) sell("sku-" + std::to_string(i % 20), 1 + i % 3);
  }

  void sell(const std::string& sku, int events) {
    std::vector<inventory::Event> all;
    for (int i = 0; i < events; ++i) all.push_back(received(++quantity));
    written[static_cast<std::size_t>(shard_of(sku, source_partitions))].commit(sku, all);
  }

  // By aggregate, the ids and versions of its accepted events, in order.
  using Accepted = std::map<std::string, std::vector<std::string>>;
  static Accepted accepted(const std::shared_ptr<MemoryLogs>& logs, int partitions) {
    Accepted found;
    for (const LogId& log : logs_of(partitions)) {
      LogTail tail(log, {});
      MemoryLogSource source(logs);
      source.assign({{log, 0}});
      source.poll(0, [&](std::size_t, const RecordView& record) {
        const TailStep step = tail.feed(record);
        if (!step.commit) return;
        std::string commit;
        for (const StoredEvent& event : step.commit->events) {
          EXPECT_EQ(shard_of(event.meta.aggregate_id, partitions), log.shard);
          commit += event.meta.id + " " + std::to_string(event.meta.version) + " " + format_time(event.meta.time_ms) +
                    " " + event.bytes + ";";
        }
        found[step.commit->events.front().meta.aggregate_id].push_back(commit);
      });
    }
    return found;
  }
  void expect_a_copy() const { EXPECT_EQ(accepted(to, target_partitions), accepted(from, source_partitions)); }

  std::shared_ptr<MemoryLogs> from = std::make_shared<MemoryLogs>();
  std::shared_ptr<MemoryLogs> to = std::make_shared<MemoryLogs>();
  std::vector<WrittenLog> written;
  int64_t quantity = 0;
};

TEST_F(Copy, HoldsEveryCommitInTheLogThatItsAggregateHasThere) {
  EXPECT_EQ(CopyRun(from, to).run(), 60);
  expect_a_copy();
}

TEST_F(Copy, LeavesOutWhatIsVoid) {
  written[0].start_term(2);
  written[0].zombie_commit(1, "zombie", received(1));
  sell("sku-0", 2);
  EXPECT_EQ(CopyRun(from, to).run(), 61);
  EXPECT_FALSE(accepted(to, target_partitions).contains("zombie"));
  int64_t records = 0;
  for (const LogId& log : logs_of(target_partitions)) records += to->end(log);
  CopyRun counted(from, to);
  counted.begin();
  EXPECT_EQ(records, counted.target.events_there() + target_partitions);  // a term each, nothing void
  expect_a_copy();
}

TEST_F(Copy, GoesOnWithWhatIsNew) {
  CopyRun(from, to).run();
  EXPECT_EQ(CopyRun(from, to).run(), 0);
  sell("sku-7", 1);
  EXPECT_EQ(CopyRun(from, to).run(), 1);
  expect_a_copy();
}

TEST_F(Copy, GoesOnAfterAKillAtAnyRecord) {
  for (int dead_after = 0; dead_after < 120; dead_after += 7) {
    to = std::make_shared<MemoryLogs>();
    {
      CopyRun killed(from, to);
      killed.begin();
      killed.appender.linger(true);
      killed.copy(dead_after / 2);
      if (dead_after % 2 == 0) killed.appender.deliver();  // otherwise all of it is lost with the process
    }
    CopyRun(from, to).run();
    expect_a_copy();
  }
}

TEST_F(Copy, CopiesACommitAgainOfWhichOnlyThePartsBeforeTheLastArrived) {
  sell("torn", 3);
  CopyRun(from, to).run();
  auto torn = std::make_shared<MemoryLogs>();
  for (const LogId& log : logs_of(target_partitions))
    for (int64_t offset = 0; offset < to->end(log); ++offset) {
      const bool last_of_torn = log.shard == shard_of("torn", target_partitions) && offset + 1 == to->end(log);
      if (!last_of_torn) torn->append(log, *to->at(log, offset));
    }
  to = torn;
  EXPECT_EQ(CopyRun(from, to).run(), 1);
  expect_a_copy();
}

TEST_F(Copy, FencesAnEarlierOne) {
  CopyRun slow(from, to);
  slow.begin();
  slow.appender.linger(true);
  slow.copy(30);
  EXPECT_EQ(CopyRun(from, to).run(), 60);
  slow.appender.deliver();  // too late: void
  EXPECT_THAT([&] { slow.target.read_back(0, slow.stop); },
              ThrowsMessage<std::runtime_error>(HasSubstr("was taken over by everfold-replay copy")));
  expect_a_copy();
  EXPECT_EQ(CopyRun(from, to).run(), 0);
}

TEST_F(Copy, EndsWhenALivingWriterTakesALogOver) {
  CopyRun run(from, to);
  run.begin();
  run.copy(10);
  to->append({context, 3}, term_record({context, 3}, 7, "everfold-command", "http://there", "other", 0));
  EXPECT_THAT([&] { run.target.read_back(0, run.stop); },
              ThrowsMessage<std::runtime_error>(HasSubstr("everfold-command (http://there)")));
}

TEST_F(Copy, RefusesALogThatALivingWriterHasTakenOver) {
  CopyRun(from, to).run();
  to->append({context, 3}, term_record({context, 3}, 7, "everfold-command", "http://there", "other", 0));
  EXPECT_THAT([&] { CopyRun(from, to).run(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("an Everfold has been started on it")));
}

TEST_F(Copy, RefusesEventsOfSomebodyElse) {
  WrittenLog(to, {context, 1}).commit("sku", std::vector{received(1)});
  EXPECT_THAT([&] { CopyRun(from, to).run(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("log inventory.1 of the target")));
}

TEST_F(Copy, RefusesTheCopyOfAnotherSource) {
  CopyRun(from, to).run();
  from = std::make_shared<MemoryLogs>();
  for (int shard = 0; shard < source_partitions; ++shard) {
    from->append({context, shard}, term_record({context, shard}, 1, "another", "", "another nonce", 0));
    WrittenLog(from, {context, shard}).commit("sku-1", std::vector{received(1)});
  }
  EXPECT_THAT([&] { CopyRun(from, to).run(); }, ThrowsMessage<std::runtime_error>(HasSubstr("another log inventory.")));
}

TEST_F(Copy, RefusesToMixCopiesOfOtherRules) {
  CopyRun(from, to).run();
  EXPECT_THAT([&] { CopyRun(from, to, R"({"map":".data.reference=null"})").run(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("by other rules")));
}

TEST_F(Copy, EndsWhenARecordIsLost) {
  CopyRun run(from, to);
  run.begin();
  run.appender.lose(1);
  run.copy();
  EXPECT_THAT([&] { run.target.read_back(0, run.stop); },
              ThrowsMessage<std::runtime_error>(HasSubstr("lacks a record")));
  EXPECT_GT(CopyRun(from, to).run(), 0);
  expect_a_copy();
}

TEST_F(Copy, EndsWhenNothingComesBack) {
  CopyRun run(from, to);
  run.begin();
  run.appender.linger(true);
  run.copy();
  EXPECT_THAT([&] { run.target.read_back(0, run.stop); },
              ThrowsMessage<std::runtime_error>(HasSubstr("nothing has come back")));
}

TEST(CopiedFrom, IsWrittenAndReadTheSame) {
  const CopiedFrom from{{"orders", 3}, 1042, 0x9af31cULL};
  EXPECT_EQ(to_string(from), "orders.3:1042@9af31c");
  EXPECT_EQ(parse_copied_from(to_string(from)), from);
  for (const char* wrong : {"", "orders.3:1042", "orders:1042@9", ".3:1@9", "orders.3:@9", "orders.3:1@",
                            "orders.x:1@9", "orders.-1:1@9", "orders.3:-1@9"})
    EXPECT_FALSE(parse_copied_from(wrong)) << wrong;
}

// ---- the source's side

TEST(MergedHistory, GivesTheOldestFirstAndKeepsEachLogsOrder) {
  const auto logs = std::make_shared<MemoryLogs>();
  WrittenLog a(logs, {context, 0}), b(logs, {context, 1});  // each counts its time from 1
  for (int i = 0; i < 500; ++i) a.commit("a", std::vector{received(i + 1)});
  for (int i = 0; i < 300; ++i) b.commit("b", std::vector{received(i + 1)});
  for (const std::size_t read_ahead : {1u, 7u, 100'000u}) {
    MemoryLogSource source(logs);
    MergedHistory history(logs_of(2), source, MergedHistory::Order::by_time, read_ahead);
    std::stop_token stop;
    int64_t time_ms = 0, commits = 0;
    std::map<std::string, int64_t> version;
    while (const auto next = history.next(stop)) {
      const EventMeta& meta = next->commit.events.front().meta;
      EXPECT_GE(meta.time_ms, time_ms);
      EXPECT_EQ(meta.version, ++version[meta.aggregate_id]);
      time_ms = meta.time_ms;
      ++commits;
    }
    EXPECT_EQ(commits, 800);
    EXPECT_EQ(history.records_read(), history.records_total());
  }
}

TEST(MergedHistory, EndsWhereTheLogsEndedAtTheStart) {
  const auto logs = std::make_shared<MemoryLogs>();
  WrittenLog log(logs, {context, 0});
  log.commit("a", std::vector{received(1)});
  MemoryLogSource source(logs);
  MergedHistory history(logs_of(1), source, MergedHistory::Order::as_it_comes);
  log.commit("a", std::vector{received(2)});
  std::stop_token stop;
  EXPECT_TRUE(history.next(stop));
  EXPECT_FALSE(history.next(stop));
}

}  // namespace
}  // namespace everfold::replay
