// A member of a Kafka consumer group that has no room for records for a while: it stays a member, and loses and repeats
// nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>

#include "kernel/shard.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/topology.hpp"
#include "tests/contract/kafka_for_tests.hpp"

namespace everfold {
namespace {

constexpr int commands = 3'000;  // more than one poll hands over

void ignore(std::string_view) {}

// Reads, and says at once that what it read is done.
struct Member {
  explicit Member(const kafka::KafkaOptions& options)
      : source(kafka::make_group_source(options, "readers", kafka::Topics::commands, {"orders"}, ignore)),
        listener{[this](const std::vector<GroupSource::Assigned>& assigned) { partitions = assigned.size(); },
                 [this](const std::vector<LogId>&) { partitions = 0; },
                 [this](const LogId& log, const RecordView& record) {
                   ++seen[std::string(record.key)];
                   last = {log, record.offset};
                   source->commit(log, record.offset + 1, "");
                 }} {}

  std::unique_ptr<GroupSource> source;
  std::size_t partitions = 0;
  std::map<std::string, int> seen;  // by key, how often
  std::pair<LogId, int64_t> last;
  GroupSource::Listener listener;
};

bool until(const std::function<bool()>& holds, const std::function<void()>& meanwhile) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds() && std::chrono::steady_clock::now() < deadline) meanwhile();
  return holds();
}

class GroupSourceContract : public testing::Test {
 protected:
  GroupSourceContract() {
    EXPECT_EQ(kafka::ensure_topics(options, {"orders"}, 30'000), std::nullopt);
    std::vector<Command> sent;
    for (int i = 0; i < commands; ++i) {
      Command command;
      command.meta.context = "orders";
      command.meta.aggregate_id = command.meta.id = std::to_string(i);
      command.type = "t";
      sent.push_back(std::move(command));
    }
    EXPECT_TRUE(kafka::make_command_sender(options, {"orders"}, ignore)->send(sent, 10'000));
  }

  const kafka::KafkaOptions options = tests::kafka_options("group");
};

TEST_F(GroupSourceContract, WithoutRoomNothingComesAndThenWhatWasNext) {
  Member member(options);
  ASSERT_TRUE(until([&] { return !member.seen.empty(); }, [&] { member.source->poll(50, member.listener); }));
  const auto before = member.seen;
  ASSERT_LT(before.size(), std::size_t{commands});
  const auto since = std::chrono::steady_clock::now();  // longer than it puts up with before it pauses
  until([&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(1'500); },
        [&] { member.source->keep_membership(member.listener); });
  EXPECT_EQ(member.seen, before);
  EXPECT_TRUE(until([&] { return member.seen.size() == commands; }, [&] { member.source->poll(50, member.listener); }));
  for (const auto& [key, times] : member.seen) ASSERT_EQ(times, 1) << key;
}

TEST_F(GroupSourceContract, OnePartitionIsPausedAndGoesOnWhereItStoppedWhateverTheOthersDo) {
  Member member(options);
  const auto poll = [&] { member.source->poll(50, member.listener); };
  ASSERT_TRUE(until([&] { return !member.seen.empty(); }, poll));
  const LogId paused = member.last.first;  // in the middle of it
  member.source->pause(paused);
  const auto of_paused = [&] {
    return std::ranges::count_if(member.seen, [&](const auto& entry) { return shard_of(entry.first, options.partitions) == paused.shard; });
  };
  const auto before = of_paused();
  const auto all_of_paused = [&] {
    int64_t count = 0;
    for (int i = 0; i < commands; ++i) count += shard_of(std::to_string(i), options.partitions) == paused.shard;
    return count;
  }();
  const auto others = commands - all_of_paused;
  ASSERT_LT(before, all_of_paused);
  EXPECT_TRUE(until([&] { return static_cast<int64_t>(member.seen.size()) - of_paused() == others; }, poll));
  const auto since = std::chrono::steady_clock::now();  // all are paused, and resumed: this one is still
  until([&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(1'500); },
        [&] { member.source->keep_membership(member.listener); });
  for (int i = 0; i < 10; ++i) poll();
  EXPECT_EQ(of_paused(), before);
  member.source->resume(paused);
  EXPECT_TRUE(until([&] { return member.seen.size() == commands; }, poll));
  for (const auto& [key, times] : member.seen) ASSERT_EQ(times, 1) << key;
}

TEST_F(GroupSourceContract, ARecordIsReadAgainFromWhereItLies) {
  Member member(options);
  std::map<std::pair<LogId, int64_t>, std::string> keys;
  member.listener.record = [&](const LogId& log, const RecordView& record) { keys[{log, record.offset}] = record.key; };
  ASSERT_TRUE(until([&] { return keys.size() == commands; }, [&] { member.source->poll(50, member.listener); }));
  const auto fetcher = kafka::make_record_fetcher(options, kafka::Topics::commands, ignore);
  const LogId log{"orders", 0};
  for (const int64_t offset : {5, 6, 7, 1'200, 0, 5}) {
    const auto record = fetcher->fetch(log, offset, 10'000);
    ASSERT_TRUE(record) << offset;
    EXPECT_EQ(record->key, (keys[{log, offset}]));
    EXPECT_EQ(record->headers.front().first, "ce_specversion");
  }
  EXPECT_FALSE(fetcher->fetch(log, 1'000'000, 500));
  EXPECT_TRUE(fetcher->fetch({"orders", 1}, 3, 10'000)) << "it goes on after that";
}

TEST_F(GroupSourceContract, WithoutRoomItStillSharesWithWhoJoins) {
  Member member(options);
  ASSERT_TRUE(until([&] { return !member.seen.empty(); }, [&] { member.source->poll(50, member.listener); }));
  ASSERT_EQ(member.partitions, 2u);
  Member second(options);
  EXPECT_TRUE(until([&] { return second.partitions == 1 && member.partitions == 1; },
                    [&] {
                      member.source->keep_membership(member.listener);
                      second.source->poll(50, second.listener);
                    }));
  const auto seen_by_both = [&] {
    auto all = member.seen;
    for (const auto& [key, times] : second.seen) all[key] += times;
    return all;
  };
  EXPECT_TRUE(until([&] { return seen_by_both().size() == commands; },
                    [&] {
                      member.source->poll(10, member.listener);
                      second.source->poll(10, second.listener);
                    }));
  for (const auto& [key, times] : seen_by_both()) ASSERT_EQ(times, 1) << key;
}

TEST_F(GroupSourceContract, WhoLeavesWithRecordsFetchedAndNotReadIsFollowedAtOnce) {
  auto first = std::make_unique<Member>(options);
  ASSERT_TRUE(until([&] { return !first->seen.empty(); }, [&] { first->source->poll(50, first->listener); }));
  auto all = first->seen;
  ASSERT_LT(all.size(), std::size_t{commands});
  first.reset();
  Member second(options);
  const auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] { return second.partitions == 2; }, [&] { second.source->poll(50, second.listener); }));
  EXPECT_LT(std::chrono::steady_clock::now() - since,
            std::chrono::milliseconds(kafka::KafkaOptions().session_timeout_ms) - std::chrono::seconds(1));
  const auto seen_by_both = [&] {
    auto both = all;
    for (const auto& [key, times] : second.seen) both[key] += times;
    return both;
  };
  EXPECT_TRUE(
      until([&] { return seen_by_both().size() == commands; }, [&] { second.source->poll(50, second.listener); }));
  for (const auto& [key, times] : seen_by_both()) ASSERT_EQ(times, 1) << key;
}

}  // namespace
}  // namespace everfold
