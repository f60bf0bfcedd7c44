// A checkout as it happened, by the translators and the decider of today: a dry run finds nothing. Whatever is changed
// in either, or in what lies in the topics, is found with both contents, and nothing else is.
#include "tools/replay/saga_replay.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernel/ids.hpp"
#include "saga/checkout/decider.hpp"
#include "schemas/orders/events.hpp"
#include "tests/messages.hpp"

namespace everfold::replay {
namespace {

using testing::make;

constexpr int64_t timeout_ms = 900'000;
const std::string order = "order-1";

struct CommandFound {
  Difference difference;
  std::optional<Command> today;
  bool was_sent;
  std::string translator;
};
struct DecisionFound {
  Difference difference;
  std::vector<StoredEvent> appended;
  std::vector<Encoded> today;
  std::string refusal;
};

Command command(const std::string& id, const Encoded& encoded) {
  Command made{{}, encoded.type, encoded.bytes};
  made.meta.id = id;
  made.meta.context = "checkout";
  made.meta.aggregate_id = order;
  return made;
}
template <class Message>
Command command(const std::string& id, const std::string& text = "") {
  return command(id, encode_message(make<Message>(text)));
}

class SagaReplay : public ::testing::Test {
 protected:
  void SetUp() override {
    orders::v1::OrderPlaced placed = make<orders::v1::OrderPlaced>(
        "lines { sku: 'a' quantity: 2 } total { amount: 3000 currency: 'USD' } payment { provider: 'sandbox' method: "
        "'approve' }");
    place_order.meta = {"place.1", "", "orders", order, 1, 1'000, "", "place", "", ""};
    const Encoded encoded = encode_message(placed);
    place_order.meta.type = encoded.type;
    place_order.bytes = encoded.bytes;
    events.push_back(place_order);
    for (const Command& start : react(place_order)) happens(start);
    happens(command<checkout::v1::RecordStockSecured>("secured", "sku: 'a'"));
    happens(command<checkout::v1::RecordStockSecured>("secured again", "sku: 'a'"));  // leaves no events
    happens(command<checkout::v1::RecordPaymentOutcome>(
        "captured", "payment_id: '" + payment_id_of_order(order) + "' outcome: CAPTURED payment_version: 2"));
  }

  std::vector<Command> react(const StoredEvent& event) {
    std::vector<Command> all;
    for (const NamedTranslator& translator : all_translators(timeout_ms)) {
      if (translator.source != event.meta.context) continue;
      auto commands = translator.react(event);
      std::ranges::move(commands.value(), std::back_inserter(all));
    }
    return all;
  }

  // A command of the process's topic, as its writer handles it.
  void happens(const Command& each) {
    arrived.push_back(each);
    auto decided = process->decide(*state, each.type, each.bytes, SIZE_MAX);
    if (!decided || decided.value().empty()) return;
    append(each.meta.id, decided.value());
  }
  void append(const std::string& cause, const std::vector<Encoded>& encoded) {
    Commit commit;
    for (const Encoded& each : encoded) {
      StoredEvent event;
      event.meta = {
          event_id(cause, commit.events.size() + 1), each.type, "checkout", order, ++version, 2'000, "", cause, "", ""};
      event.bytes = each.bytes;
      commit.events.push_back(event);
      events.push_back(event);
      for (const Command& caused : react(event)) sent.push_back(caused);
    }
    commits.push_back(std::move(commit));
  }

  std::vector<CommandFound> compare_commands(std::vector<NamedTranslator> translators = all_translators(timeout_ms),
                                             bool handled = true) {
    std::vector<CommandFound> found;
    TranslatorReplay replay(std::move(translators), "checkout", [&](const TranslatorReplay::Found& each) {
      found.push_back({each.difference, each.today, each.sent.has_value(), std::string(each.translator)});
    });
    int64_t offset = 0;
    for (const auto* commands : {&arrived, &sent})
      for (const Command& each : *commands) replay.sent({{each.meta.context, 0}, offset++}, each);
    for (const StoredEvent& event : events) replay.event(event, handled);
    replay.finish();
    tally = replay.tally();
    return found;
  }

  std::vector<DecisionFound> compare_decisions(int64_t decided_until = 1'000) {
    std::vector<DecisionFound> found;
    DeciderReplay replay(*process, decided_until, [&](const DeciderReplay::Found& each) {
      found.push_back(
          {each.difference, each.appended ? *each.appended : std::vector<StoredEvent>{}, each.today, each.refusal});
    });
    for (const Commit& commit : commits) replay.commit(commit);
    int64_t offset = 0;
    for (const Command& each : arrived) replay.command(offset++, each);
    replay.finish();
    tally = replay.tally();
    return found;
  }

  const std::unique_ptr<HostedContext> process = host<checkout::Checkout>();
  std::unique_ptr<HostedContext::State> state = process->fresh();
  int64_t version = 0;
  StoredEvent place_order;
  std::vector<Command> arrived;  // in the process's command topic
  std::vector<Command> sent;     // in others'
  std::vector<Commit> commits;
  std::vector<StoredEvent> events;
  Tally tally;
};

// ---- translators

TEST_F(SagaReplay, FindsNothingInWhatTodaysTranslatorsSent) {
  std::erase_if(arrived,
                [](const Command& each) { return each.meta.causation_id.empty(); });  // their causes are not told here
  EXPECT_TRUE(compare_commands().empty());
  EXPECT_EQ(tally.same, static_cast<int64_t>(arrived.size() + sent.size()));
  EXPECT_GE(tally.same, 5);
}

TEST_F(SagaReplay, FindsAChangedTableWithBothContents) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.causation_id.empty(); });
  const auto found = compare_commands(all_translators(timeout_ms + 1));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference, Difference::different);
  EXPECT_EQ(found[0].translator, "orders_to_checkout");
  EXPECT_TRUE(found[0].was_sent);
  EXPECT_EQ(found[0].today->type, "everfold.checkout.StartCheckout.v1");
}

TEST_F(SagaReplay, FindsWhatATranslatorDoesNotSendAnyMore) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.causation_id.empty(); });
  auto translators = all_translators(timeout_ms);
  std::erase_if(translators, [](const NamedTranslator& each) { return each.name == "checkout_to_payments"; });
  const auto found = compare_commands(translators);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference, Difference::extra);
  EXPECT_FALSE(found[0].today);
}

TEST_F(SagaReplay, FindsWhatATranslatorWouldSendToday) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.causation_id.empty(); });
  std::erase_if(sent, [](const Command& each) { return each.type == "everfold.orders.ConfirmOrder.v1"; });
  const auto found = compare_commands();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference, Difference::missing);
  EXPECT_EQ(found[0].today->type, "everfold.orders.ConfirmOrder.v1");
}

TEST_F(SagaReplay, WaitsForWhatIsNotHandledYet) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.causation_id.empty(); });
  sent.clear();
  EXPECT_TRUE(compare_commands(all_translators(timeout_ms), false).empty());
  EXPECT_GE(tally.not_yet, 4);
}

TEST_F(SagaReplay, DoesNotMissWhatMayHaveBeenDeletedFromATopic) {
  int found = 0;
  TranslatorReplay replay(all_translators(timeout_ms), "checkout", [&](const TranslatorReplay::Found&) { ++found; });
  replay.expect_gaps();
  for (const StoredEvent& event : events) replay.event(event, true);
  replay.finish();
  EXPECT_EQ(found, 0);
  EXPECT_GE(replay.tally().not_checked, 5);
}

TEST_F(SagaReplay, LooksAtNoCopiedEvent) {
  for (StoredEvent& event : events) event.copied = true;
  arrived.clear();
  sent.clear();
  EXPECT_TRUE(compare_commands().empty());
  EXPECT_EQ(tally.not_checked, static_cast<int64_t>(events.size()));
}

TEST_F(SagaReplay, FindsTheSameIdWithAnotherContent) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.causation_id.empty(); });
  Command other = sent.front();
  other.bytes.clear();
  sent.push_back(other);  // sent again by a version with another table
  const auto found = compare_commands();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference, Difference::different);
}

TEST_F(SagaReplay, LeavesCommandsOfOthersAlone) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.causation_id.empty(); });
  Command foreign = sent.front();
  foreign.meta.id = "of the payment gateway";
  foreign.meta.context = "payments";
  foreign.meta.causation_id = "an event of payments";
  sent.push_back(foreign);
  EXPECT_TRUE(compare_commands().empty());
}

// ---- the decider

TEST_F(SagaReplay, FindsNothingInWhatTodaysDeciderDecided) {
  EXPECT_TRUE(compare_decisions().empty());
  EXPECT_EQ(tally.same, 4);
}

TEST_F(SagaReplay, FindsEventsThatTodaysDeciderWouldNotAppend) {
  commits.back().events.pop_back();
  const auto found = compare_decisions();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference, Difference::different);
  EXPECT_EQ(found[0].today.size(), found[0].appended.size() + 1);
}

TEST_F(SagaReplay, FindsACommandThatWouldLeaveEventsToday) {
  commits.pop_back();  // the capture, which is still in the topic, left nothing
  const auto found = compare_decisions();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].difference, Difference::missing);
  EXPECT_TRUE(found[0].appended.empty());
  EXPECT_FALSE(found[0].today.empty());
}

TEST_F(SagaReplay, FindsEventsOfACommandThatLeavesNoneToday) {
  std::swap(arrived[1].meta.id, arrived[2].meta.id);  // the same bytes: nothing is wrong
  EXPECT_TRUE(compare_decisions().empty() || tally.differences() > 0);
  arrived[1] = command<checkout::v1::RecordStockSecured>("secured", "sku: 'nobody ordered this'");
  const auto found = compare_decisions();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].difference, Difference::extra);
  EXPECT_FALSE(found[0].refusal.empty());
}

TEST_F(SagaReplay, KnowsWhatATimerCaused) {
  commits.resize(1);
  arrived.resize(1);
  state = process->fresh();
  for (const StoredEvent& event : commits[0].events) process->evolve(*state, event.meta.type, event.bytes);
  const std::string rung = derive_id({"expire", "checkout", order, std::to_string(1'000 + timeout_ms)});
  append(rung, process->decide(*state, process->expire()->type, process->expire()->bytes, SIZE_MAX).value());
  EXPECT_TRUE(compare_decisions().empty());
  EXPECT_EQ(tally.same, 2);
  EXPECT_EQ(tally.not_checked, 0);
  commits.back().events.pop_back();
  EXPECT_EQ(compare_decisions().size(), 1u);
}

TEST_F(SagaReplay, CountsWhatCameOverHttp) {
  std::erase_if(arrived, [](const Command& each) { return each.meta.id == "secured"; });
  EXPECT_TRUE(compare_decisions().empty());
  EXPECT_EQ(tally.not_checked, 1);
}

TEST_F(SagaReplay, WaitsForWhatIsNotDecidedYet) {
  commits.pop_back();
  EXPECT_TRUE(compare_decisions(3).empty());
  EXPECT_EQ(tally.not_yet, 1);
}

}  // namespace
}  // namespace everfold::replay
