#include <gtest/gtest.h>

#include "kernel/codec.hpp"
#include "schemas/checkout/v1/events.pb.h"
#include "schemas/orders/v1/events.pb.h"
#include "tests/messages.hpp"
#include "tools/replay/folds/chosen_views.hpp"
#include "tools/replay/folds/states.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

using testing::make;

// Commits as a log has them: one event each, at the second that is given.
class StatesTest : public ::testing::Test {
 protected:
  struct Event {
    std::string context, id;
    int64_t version, second;
    Encoded encoded;
  };

  static Event placed(const std::string& id, int64_t version, int64_t second) {
    return {"orders", id, version, second, encode_message(make<orders::v1::OrderPlaced>("cart_id: 'c'"))};
  }
  static Event reserved(const std::string& id, int64_t version, int64_t second) {
    return {"orders", id, version, second, encode_message(orders::v1::OrderStockReserved())};
  }
  static Event confirmed(const std::string& id, int64_t version, int64_t second) {
    return {"orders", id, version, second, encode_message(orders::v1::OrderConfirmed())};
  }
  static Event started(const std::string& id, int64_t version, int64_t second) {
    return {"checkout", id, version, second, encode_message(checkout::v1::CheckoutStarted())};
  }

  static Ask at_version(const std::string& id, int64_t version) { return {id, {version, std::nullopt}}; }
  static Ask at_second(const std::string& id, int64_t second) { return {id, {std::nullopt, second * 1000}}; }

  static std::vector<Answer> answers(std::vector<Ask> asks, const std::vector<Event>& events,
                                     const std::vector<std::string>& views = {}) {
    States states(std::move(asks), chosen_views(views, {}));
    int64_t offset = 0;
    for (const Event& each : events) {
      StoredEvent event;
      event.meta.context = each.context;
      event.meta.aggregate_id = each.id;
      event.meta.version = each.version;
      event.meta.time_ms = each.second * 1000;
      event.meta.type = each.encoded.type;
      event.bytes = each.encoded.bytes;
      event.offset = ++offset;
      states.take({each.context, 3}, {{1, offset, 1, 1}, {event}});
    }
    return states.finish();
  }

  // "orders 2 STOCK_RESERVED", or the problem.
  static std::string seen(const Answer& answer) {
    std::string out = answer.problem;
    for (const State& state : answer.states) {
      const std::string row = state.views.at(0).second;
      const std::size_t status = row.find("\"status\":\"");
      out += (out.empty() ? "" : ", ") + state.context + " " + std::to_string(state.version);
      if (status != row.npos) out += " " + row.substr(status + 10, row.find('"', status + 10) - status - 10);
    }
    return out;
  }
};

TEST_F(StatesTest, an_aggregate_stands_where_each_asks) {
  const std::vector<Event> log{placed("a", 1, 10), placed("b", 1, 11), reserved("a", 2, 20), confirmed("a", 3, 30)};
  const auto found = answers({at_version("a", 2),
                              at_version("a", 1),
                              {"a", {}},
                              at_second("a", 25),
                              at_second("a", 20),
                              at_version("b", 1),
                              at_version("a", 3)},
                             log);
  EXPECT_EQ(seen(found[0]), "orders 2 STOCK_RESERVED");
  EXPECT_EQ(seen(found[1]), "orders 1 PENDING");
  EXPECT_EQ(seen(found[2]), "orders 3 CONFIRMED");
  EXPECT_EQ(seen(found[3]), "orders 2 STOCK_RESERVED");
  EXPECT_EQ(seen(found[4]), "orders 2 STOCK_RESERVED");  // inclusive
  EXPECT_EQ(seen(found[5]), "orders 1 PENDING");
  EXPECT_EQ(seen(found[6]), "orders 3 CONFIRMED");
  EXPECT_EQ(found[0].states[0].offset, 3);
  EXPECT_EQ(to_string(found[0].states[0].log), "orders.3");
  EXPECT_EQ(found[0].states[0].last.time_ms, 20'000);
}

TEST_F(StatesTest, what_is_not_there_is_a_sentence) {
  const auto found =
      answers({{"x", {}}, at_version("a", 2), at_second("a", 9), at_version("x", 1)}, {placed("a", 1, 10)});
  EXPECT_EQ(seen(found[0]), "no context has an aggregate x");
  EXPECT_EQ(seen(found[1]), "a (orders) has no version 2 yet: its newest is 1");
  EXPECT_EQ(seen(found[2]), "a is in no context at 1970-01-01T00:00:09.000Z, or had not begun yet");
  EXPECT_EQ(seen(found[3]), "no context has an aggregate x");
}

TEST_F(StatesTest, an_id_of_two_contexts_has_two_states) {
  const std::vector<Event> log{started("a", 1, 10), started("a", 2, 11), placed("a", 1, 12)};
  const auto found = answers({{"a", {}}, at_version("a", 2), at_second("a", 11)}, log);
  EXPECT_EQ(seen(found[0]), "checkout 2, orders 1 PENDING");
  EXPECT_EQ(seen(found[1]), "checkout 2");
  EXPECT_EQ(seen(found[2]), "checkout 2");
}

// The query API stops there, too: the state is one that there really was.
TEST_F(StatesTest, a_time_ends_at_the_first_later_event_though_a_clock_went_back) {
  const auto found = answers({at_second("a", 25)}, {placed("a", 1, 10), reserved("a", 2, 30), confirmed("a", 3, 20)});
  EXPECT_EQ(seen(found[0]), "orders 1 PENDING");
}

TEST_F(StatesTest, also_where_the_later_event_was_left_out_of_what_is_read) {
  const auto found = answers({at_second("a", 25)}, {placed("a", 1, 10), confirmed("a", 3, 20)});
  EXPECT_EQ(seen(found[0]), "orders 1 PENDING");
}

TEST_F(StatesTest, an_unknown_event_leaves_the_row_as_it_was_and_says_so) {
  const Event unknown{"orders", "a", 2, 20, {"everfold.orders.OrderTeleported.v9", "?"}};
  const auto found = answers({{"a", {}}, at_version("a", 1)}, {placed("a", 1, 10), unknown, confirmed("a", 3, 30)});
  EXPECT_EQ(seen(found[0]), "orders 3 PENDING");
  EXPECT_EQ(found[0].states[0].unreadable, "view orders cannot read event 2 (everfold.orders.OrderTeleported.v9)");
  EXPECT_EQ(found[1].states[0].unreadable, "");
}

TEST_F(StatesTest, the_history_shows_the_events_up_to_there) {
  const auto found =
      answers({at_version("a", 2)}, {placed("a", 1, 10), reserved("a", 2, 20), confirmed("a", 3, 30)}, {"history"});
  const std::string rows = found[0].states[0].views[0].second;
  EXPECT_NE(rows.find(R"([{"version":1,"type":"everfold.orders.OrderPlaced.v1")"), rows.npos) << rows;
  EXPECT_NE(rows.find(R"("cartId":"c")"), rows.npos) << rows;
  EXPECT_NE(rows.find("OrderStockReserved"), rows.npos) << rows;
  EXPECT_EQ(rows.find("OrderConfirmed"), rows.npos) << rows;
}

TEST(Bound, is_a_version_or_a_time) {
  EXPECT_EQ(parse_bound("7", "--at"), (Bound{7, std::nullopt}));
  EXPECT_EQ(parse_bound("1970-01-01T00:00:07Z", "--at"), (Bound{std::nullopt, 7000}));
  EXPECT_EQ(parse_bound("1970-01-02", "--at"), (Bound{std::nullopt, 86'400'000}));
  for (const char* wrong : {"", "0", "-1", "x", "99999999999999999999"})
    EXPECT_THROW(parse_bound(wrong, "--at"), UsageError);
}

TEST(StoodThen, ends_at_an_aggregates_first_gap) {
  StoodThen stood;
  const auto admits = [&](const char* context, const char* id, int64_t version) {
    EventMeta meta;
    meta.context = context;
    meta.aggregate_id = id;
    meta.version = version;
    return stood.admits(meta);
  };
  EXPECT_TRUE(admits("orders", "a", 1));
  EXPECT_TRUE(admits("checkout", "a", 1));
  EXPECT_TRUE(admits("orders", "a", 2));
  EXPECT_FALSE(admits("orders", "a", 4));
  EXPECT_FALSE(admits("orders", "a", 5));
  EXPECT_FALSE(admits("orders", "b", 2));
}

}  // namespace
}  // namespace everfold::replay
