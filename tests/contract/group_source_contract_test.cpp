// A member of a Kafka consumer group that has no room for records for a while: it stays a member, and loses and repeats nothing.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>

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
                   source->commit(log, record.offset + 1, "");
                 }} {}

  std::unique_ptr<GroupSource> source;
  std::size_t partitions = 0;
  std::map<std::string, int> seen;  // by key, how often
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

}  // namespace
}  // namespace everfold
