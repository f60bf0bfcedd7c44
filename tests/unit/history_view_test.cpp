#include "projections/history/history.hpp"
#include "tests/messages.hpp"

namespace everfold::history {
namespace {

EventMeta meta() {
  EventMeta meta;
  meta.id = "cmd1.1";
  meta.type = "everfold.orders.OrderPlaced.v1";
  meta.context = "orders";
  meta.aggregate_id = "o1";
  meta.version = 7;
  meta.time_ms = 1'500;
  meta.correlation_id = "corr";
  meta.causation_id = "cmd1";
  meta.actor = "u1";
  return meta;
}

TEST(HistoryView, KeepsAnyEventWithWhatIsKnownAboutIt) {
  EXPECT_EQ(History::keys_of({"bytes"}, meta()), (std::vector<std::string>{"orders/o1/000000000007"}));
  const auto row = History::fold(std::nullopt, {"bytes"}, meta());
  EXPECT_TRUE(testing::same(
      *row, testing::make<v1::HistoryRow>(R"(type: "OrderPlaced" at { seconds: 1 nanos: 500000000 } actor: "u1"
    correlation_id: "corr" version: 7 event_id: "cmd1.1" causation_id: "cmd1" event_type: "everfold.orders.OrderPlaced.v1"
    event: "bytes")")))
      << row->ShortDebugString();
}

TEST(HistoryView, AGuestsEventHasNoActor) {
  auto guest = meta();
  guest.actor.clear();
  EXPECT_FALSE(History::fold(std::nullopt, {"bytes"}, guest)->has_actor());
}

TEST(HistoryView, ALaterVersionOfAnEventHasANameOfItsOwn) {
  auto later = meta();
  later.type = "everfold.orders.OrderPlaced.v2";
  EXPECT_EQ(History::fold(std::nullopt, {"bytes"}, later)->type(), "OrderPlaced.v2");
}

TEST(HistoryView, KeysAreInTheOrderOfVersions) {
  EXPECT_LT(history_key("orders", "o1", 9), history_key("orders", "o1", 10));
  EXPECT_LT(history_key("orders", "o1", 999), history_key("orders", "o1", 1'000'000));
}

}  // namespace
}  // namespace everfold::history
