// The pieces that every route of everfold-query shares.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <random>

#include "query-api/http/etag.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/orders/order_head.hpp"
#include "query-api/reads/live_views.hpp"
#include "runtime/log/position_token.hpp"
#include "runtime/worker_pool.hpp"
#include "schemas/orders/v1/views.pb.h"
#include "tests/messages.hpp"
#include "tests/unit/query_shop.hpp"

namespace everfold::query {
namespace {

TEST(PositionToken, names_logs_and_the_offsets_behind_them) {
  const auto wanted = parse_position("orders.3:1042,carts.1:77");
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted.value(), (WantedPositions{{{"orders", 3}, 1042}, {{"carts", 1}, 77}}));
  EXPECT_EQ(parse_position("").value(), WantedPositions{});
}

TEST(PositionToken, garbage_is_refused) {
  for (const char* token :
       {"x", "orders", "orders.3", "orders:5", ".3:5", "orders.:5", "orders.3:", "orders.3:5,", ",orders.3:5",
        "orders.-1:5", "orders.3:-5", "orders.3:5x", "orders.3: 5", "orders.99999999999:1",
        "orders.3:99999999999999999999", "Orders.3:5", "orders.3:5;carts.1:2", "or ders.3:5"}) {
    const auto wanted = parse_position(token);
    ASSERT_FALSE(wanted) << token;
    EXPECT_EQ(wanted.error().code, Code::malformed) << token;
  }
}

TEST(PositionToken, a_thousand_logs_are_enough) {
  std::string token = "a.0:1";
  for (int i = 1; i < 1000; ++i) token += ",a." + std::to_string(i) + ":1";
  EXPECT_TRUE(parse_position(token));
  EXPECT_FALSE(parse_position(token + ",a.1000:1"));
}

TEST(ETag, if_none_match_is_a_list_compared_weakly) {
  for (const char* matching : {R"("7")", R"(W/"7")", R"("6", "7")", R"("6",W/"7" , "8")", "*", " *", R"("a,b","7")"})
    EXPECT_TRUE(names_etag(matching, etag_of(7))) << matching;
  for (const char* other : {"", R"("6")", "7", R"("7)", R"("77")", R"(7")", R"(w/"7")", R"("6" x "7")"})
    EXPECT_FALSE(names_etag(other, etag_of(7))) << other;
}

// The page that a full sort would show, for random matches and pages.
TEST(PageOfMatches, shows_what_a_full_sort_would) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const Page page{1 + random() % 8, 1 + random() % 50};
    const bool descending = random() % 2 == 0;
    PageOfMatches matches(page, descending);
    std::vector<std::pair<std::string, std::string>> all;
    const auto count = random() % 1500;
    for (unsigned i = 0; i < count; ++i) {
      all.emplace_back(sort_key(static_cast<int64_t>(random() % 40) - 20), "row" + std::to_string(i));
      matches.offer(all.back().first, all.back().second);
    }
    std::ranges::sort(all);
    if (descending) std::ranges::reverse(all);
    std::vector<std::string> expected;
    for (auto i = page.first(); i < std::min(page.first() + page.size, all.size()); ++i)
      expected.push_back(all[i].second);
    ASSERT_EQ(matches.total(), count);
    ASSERT_EQ(std::move(matches).row_keys(), expected);
  }
}

TEST(SortKey, orders_numbers_as_numbers) {
  const int64_t numbers[] = {std::numeric_limits<int64_t>::min(), -256, -1, 0, 1, 255, 256,
                             std::numeric_limits<int64_t>::max()};
  for (std::size_t i = 1; i < std::size(numbers); ++i) EXPECT_LT(sort_key(numbers[i - 1]), sort_key(numbers[i]));
}

TEST(OrderHead, reads_what_the_whole_row_says) {
  const auto row = testing::make<orders::v1::OrderRow>(R"(
      id: "o1" status: CONFIRMED lines { sku: "A" quantity: 2 } lines { sku: "B" quantity: 1 }
      total { amount: 4499 currency: "USD" } version: 9 placed_at { seconds: 5 } payment { id: "p" status: CAPTURED })");
  const auto head = order_head(row.SerializeAsString());
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, row.status());
  EXPECT_EQ(head->total, 4499);
  const auto bytes = row.SerializeAsString();
  EXPECT_FALSE(order_head(bytes.substr(0, bytes.size() - 1)));
  const auto more = testing::make<orders::v1::OrderRow>(R"(total { currency: "EUR" })");
  EXPECT_EQ(order_head(bytes + more.SerializeAsString())->total, 4499) << "as Protobuf reads a total that comes twice";
}

TEST(WorkerPool, refuses_when_it_is_full) {
  std::mutex mutex;
  std::condition_variable changed;
  bool running = false, go_on = false;
  WorkerPool pool(1, 1);
  ASSERT_TRUE(pool.submit([&] {
    std::unique_lock lock(mutex);
    running = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go_on; });
  }));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return running; });
  }
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  {
    const std::lock_guard lock(mutex);
    go_on = true;
  }
  changed.notify_all();
}

// One view of one context, whose catch_up does nothing by itself.
struct OneView {
  explicit OneView(Pace pace)
      : views({{"orders", {"orders"}, store, [] { return true; }, [this] { return problem; }}}, pace) {
    views.start();
  }
  void apply(int64_t offset) { store->write({{}, {}, {}, {{LogId{"orders", 0}, LogPosition{offset, 1, 1}}}}); }

  std::string problem;
  std::shared_ptr<GuardedView> store = std::make_shared<GuardedView>();
  LiveViews views;
};

TEST(LiveViews, more_waiting_than_allowed_is_refused) {
  std::optional<Rejection> first, second;  // outlive what waits: the first is refused when that stops
  OneView one({.max_wait = std::chrono::minutes(1), .max_waiting = 1});
  one.views.when_applied("orders", {{{"orders", 0}, 5}}, [&](auto refusal) { first = std::move(refusal); });
  one.views.when_applied("orders", {{{"orders", 0}, 5}}, [&](auto refusal) { second = std::move(refusal); });
  ASSERT_TRUE(second);
  EXPECT_EQ(second->code, Code::too_many_requests);
}

TEST(LiveViews, those_that_wait_when_it_stops_are_refused) {
  std::optional<Rejection> refusal;
  {
    OneView one({.max_wait = std::chrono::minutes(1)});
    one.views.when_applied("orders", {{{"orders", 0}, 5}}, [&](auto why) { refusal = std::move(why); });
  }
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, Code::unavailable);
}

TEST(LiveViews, positions_of_logs_that_the_view_does_not_fold_say_nothing_about_it) {
  OneView one({.max_wait = std::chrono::minutes(1)});
  one.apply(5);
  bool called = false;
  one.views.when_applied("orders", {{{"orders", 0}, 5}, {{"carts", 0}, 900}}, [&](auto refusal) {
    called = true;
    EXPECT_FALSE(refusal);
  });
  EXPECT_TRUE(called) << "on the calling thread, as nothing is to be waited for";
}

}  // namespace
}  // namespace everfold::query
