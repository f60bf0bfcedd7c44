// What everfold-replay makes of events and rows: changes, SQL tables, views folded anew.
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "projections/inventory/stock.hpp"
#include "runtime/views/folded_view.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "runtime/views/view_fold.hpp"
#include "schemas/catalog/v1/events.pb.h"
#include "schemas/checkout/v1/events.pb.h"
#include "schemas/orders/v1/events.pb.h"
#include "tests/messages.hpp"
#include "tests/written_log.hpp"
#include "tools/replay/folds/asked.hpp"
#include "tools/replay/folds/scratch_fold.hpp"
#include "tools/replay/output/json_changes.hpp"
#include "tools/replay/tables/sql_tables.hpp"

namespace everfold::replay {
namespace {

using inventory::Stock;
using testing::make;
using testing::WrittenLog;
using Json = nlohmann::ordered_json;

// ---- changes ----

std::vector<std::string> changes(const char* before, const char* after) {
  std::vector<std::string> lines;
  for (const Change& change : changes_between(Json::parse(before), Json::parse(after)))
    lines.push_back(change.path + ": " + (change.before ? change.before->dump() : "-") + " → " +
                    (change.after ? change.after->dump() : "-"));
  return lines;
}
using Lines = std::vector<std::string>;

TEST(Changes, are_named_field_by_field) {
  EXPECT_EQ(changes(R"({"a":1,"b":{"c":2,"d":3},"e":4})", R"({"a":1,"b":{"c":5,"d":3},"f":6})"),
            (Lines{".b.c: 2 → 5", ".e: 4 → -", ".f: - → 6"}));
  EXPECT_EQ(changes(R"({"a":null})", R"({"a":{"b":1}})"), (Lines{R"(.a: null → {"b":1})"}));
  EXPECT_EQ(changes("null", R"({"a":1})"), (Lines{R"(.: null → {"a":1})"}));
  EXPECT_EQ(changes(R"({"a b":1,"1":2})", R"({"a b":3,"1":4})"), (Lines{R"(["a b"]: 1 → 3)", R"(["1"]: 2 → 4)"}));
  EXPECT_EQ(changes(R"({"a":[1]})", R"({"a":[1]})"), Lines{});
}

TEST(Changes, match_members_of_lists_by_what_they_are_called) {
  EXPECT_EQ(changes(R"({"l":[{"sku":"x","n":1},{"sku":"y","n":2}]})", R"({"l":[{"sku":"y","n":3}]})"),
            (Lines{R"(.l[0]: {"sku":"x","n":1} → -)", ".l[0].n: 2 → 3"}));
  EXPECT_EQ(changes(R"({"l":[{"id":"a"}]})", R"({"l":[{"id":"a"},{"id":"b"}]})"), (Lines{R"(.l[1]: - → {"id":"b"})"}));
  // No name, or the same name twice: by their place.
  EXPECT_EQ(changes("[1,2,3]", "[1,4]"), (Lines{".[1]: 2 → 4", ".[2]: 3 → -"}));
  EXPECT_EQ(changes(R"([{"id":"a","n":1},{"id":"a","n":2}])", R"([{"id":"a","n":1},{"id":"a","n":3}])"),
            (Lines{".[1].n: 2 → 3"}));
}

// ---- SQL ----

std::string described(const std::vector<SqlColumn>& columns) {
  std::string text;
  for (const SqlColumn& column : columns)
    text += (text.empty() ? "" : ", ") + column.name + " " + column.type + (column.as_json ? " json" : "");
  return text;
}

TEST(SqlTables, have_the_fields_of_the_message) {
  const SqlTable table = sql_table(*orders::v1::OrderPlaced::descriptor(), "orders_order_placed", {"event", "version"});
  EXPECT_EQ(described(table.columns),
            "order_number TEXT, customer_id TEXT, cart_id TEXT, subtotal_amount INTEGER, subtotal_currency TEXT, "
            "discount_amount INTEGER, discount_currency TEXT, shipping_amount INTEGER, shipping_currency TEXT, "
            "total_amount INTEGER, total_currency TEXT, payment_provider TEXT, payment_method TEXT");
  ASSERT_EQ(table.children.size(), 1u);
  EXPECT_EQ(table.children[0].table, "orders_order_placed_lines");
  EXPECT_EQ(described(table.children[0].columns),
            "sku TEXT, name TEXT, quantity INTEGER, unit_price_amount INTEGER, unit_price_currency TEXT, "
            "line_total_amount INTEGER, line_total_currency TEXT");
}

TEST(SqlTables, a_map_of_a_message_within_is_a_table_too) {
  const SqlTable table = sql_table(*catalog::v1::ProductCreated::descriptor(), "t", {});
  EXPECT_EQ(described(table.columns),
            "sku TEXT, details_name TEXT, details_description TEXT, details_price_amount INTEGER, "
            "details_price_currency TEXT, details_category TEXT, details_brand TEXT, details_status TEXT");
  ASSERT_EQ(table.children.size(), 1u);
  EXPECT_EQ(table.children[0].table, "t_details_attributes");
  EXPECT_EQ(described(table.children[0].columns), "key TEXT, value TEXT");
}

TEST(SqlTables, a_name_that_is_taken_gets_another) {
  EXPECT_EQ(described(sql_table(*checkout::v1::TimeoutScheduled::descriptor(), "t", {"at"}).columns), "data_at TEXT");
  EXPECT_EQ(described(sql_table(*checkout::v1::TimeoutScheduled::descriptor(), "t", {"at", "data_at"}).columns),
            "data_data_at TEXT");
}

// A message that holds itself, lists in lists, bytes, defaults that can be told from what is unset.
TEST(SqlTables, of_any_message_come_to_an_end) {
  const SqlTable table = sql_table(*google::protobuf::DescriptorProto::descriptor(), "t", {});
  ASSERT_FALSE(table.children.empty());
  EXPECT_EQ(table.children[0].table, "t_field");
  const auto nested = std::find_if(table.children.begin(), table.children.end(),
                                   [](const SqlChild& child) { return child.table == "t_nested_type"; });
  ASSERT_NE(nested, table.children.end());
  EXPECT_NE(described(nested->columns).find("nested_type TEXT json"), std::string::npos);
}

TEST(SqlTables, names_are_lower_case_words) {
  EXPECT_EQ(snake_case("OrderPlaced"), "order_placed");
  EXPECT_EQ(sql_name("a\"b"), "\"a\"\"b\"");
}

// ---- what was asked for ----

TEST(WhatWasAsked, is_known_again_and_the_first_difference_is_named) {
  const Asked asked{{"as of", ""}, {"contexts", "carts, \"orders\""}};
  EXPECT_EQ(asked_of(to_json(asked)), asked);
  EXPECT_EQ(asked_of("what else"), Asked{});
  EXPECT_EQ(asked_of("[1]"), Asked{});
  EXPECT_EQ(asked_of(R"({"as of":1})"), Asked{});
  EXPECT_EQ(difference(asked, asked), std::nullopt);
  EXPECT_EQ(difference(asked, {{"contexts", "carts, \"orders\""}}), std::nullopt) << "not given is not given";
  EXPECT_EQ(difference(asked, {{"contexts", "carts"}}), R"("contexts" was carts, "orders" and is carts now)");
  EXPECT_EQ(difference({}, asked), R"("contexts" was not given and is carts, "orders" now)");
  EXPECT_EQ(difference(asked, {}), R"("contexts" was carts, "orders" and is not given now)");
}

// ---- views folded anew ----

const LogId log0{"inventory", 0};

inventory::Event received(int64_t on_hand) {
  return make<inventory::v1::StockReceived>("quantity: 1 on_hand: " + std::to_string(on_hand));
}

// All records of a log: through the projector's fold, and as commits.
class ScratchFoldTest : public ::testing::Test {
 protected:
  std::vector<Commit> commits() {
    std::vector<Commit> found;
    LogTail tail(log0, {});
    each_record([&](const RecordView& record) {
      if (auto step = tail.feed(record); step.commit) found.push_back(std::move(*step.commit));
    });
    return found;
  }
  void as_the_projector_folds(MemoryViewStore& store) {
    FoldedView<Stock> view;
    ViewFold fold(view, store, {log0});
    each_record([&](const RecordView& record) { fold.take(0, record); });
    fold.fold();
    fold.write();
  }
  // Dies at the end, when only so many commits are in the store, if `died_at` is given.
  void fold_into(MemoryViewStore& store, ScratchFold::Admits admits, std::optional<std::size_t> died_at = {}) {
    FoldedView<Stock> view;
    ScratchFold fold(view, store, std::move(admits));
    std::size_t taken = 0;
    for (const Commit& commit : commits()) {
      if (died_at == taken++) fold.write();
      const LogPosition behind{commit.events.back().offset + 1, commit.mark.term, commit.mark.commit + 1, 7};
      fold.take(log0, commit, behind);
      fold.take({"orders", 0}, commit, behind);  // none of its business
    }
    if (!died_at) fold.write();
    parked_ = fold.parked().size();
    events_ = fold.events();
  }
  void each_record(const std::function<void(const RecordView&)>& visit) {
    MemoryLogSource source(logs_);
    source.assign({{log0, 0}});
    source.poll(0, [&](std::size_t, const RecordView& record) { visit(record); });
  }
  static bool all(const LogId&, const StoredEvent&) { return true; }

  std::shared_ptr<MemoryLogs> logs_ = std::make_shared<MemoryLogs>();
  WrittenLog log_{logs_, log0};
  std::size_t parked_ = 0;
  int64_t events_ = 0;
};

TEST_F(ScratchFoldTest, makes_the_rows_that_the_projector_makes) {
  for (int64_t i = 1; i <= 50; ++i)
    log_.commit<inventory::Event>("S" + std::to_string(i % 7), {received(i), received(i + 1)});
  log_.zombie_commit(7, "S1", received(999));
  MemoryViewStore expected, store;
  as_the_projector_folds(expected);
  fold_into(store, all);
  EXPECT_EQ(store.all_rows(), expected.all_rows());
  EXPECT_EQ(store.all_rows().size(), 7u);
  EXPECT_EQ(events_, 100);
  EXPECT_EQ(store.position(log0).offset, 101);  // the zombie's record is nobody's
  EXPECT_EQ(store.position(log0).next_commit, 51);
}

TEST_F(ScratchFoldTest, an_unknown_event_parks_its_aggregate_as_the_projector_does) {
  log_.commit<inventory::Event>("S1", {received(1)});
  log_.commit_unknown("S1", "everfold.inventory.StockStolen.v9");
  log_.commit<inventory::Event>("S1", {received(2)});
  log_.commit<inventory::Event>("S2", {received(3)});
  MemoryViewStore expected, store;
  as_the_projector_folds(expected);
  fold_into(store, all);
  EXPECT_EQ(store.all_rows(), expected.all_rows());
  ASSERT_EQ(store.all_index().size(), 1u);
  EXPECT_EQ(store.all_index().begin()->first, expected.all_index().begin()->first);
  EXPECT_EQ(parked_, 1u);
}

TEST_F(ScratchFoldTest, goes_on_where_another_died) {
  for (int64_t i = 1; i <= 9; ++i) {
    log_.commit<inventory::Event>("S" + std::to_string(i % 3), {received(i)});
    if (i == 4) log_.commit_unknown("S1", "everfold.inventory.StockStolen.v9");
  }
  MemoryViewStore expected;
  fold_into(expected, all);
  for (std::size_t died = 0; died < 10; ++died) {
    MemoryViewStore store;
    fold_into(store, all, died);
    EXPECT_NE(store.all_rows(), expected.all_rows()) << "it had not come to the end";
    int64_t asked = 0;
    fold_into(store, [&](const LogId&, const StoredEvent&) { return ++asked > 0; });
    EXPECT_EQ(asked, 10) << "who counts, counts everything";
    EXPECT_LE(events_, static_cast<int64_t>(10 - died)) << "nothing is folded twice";
    EXPECT_EQ(store.all_rows(), expected.all_rows()) << died;
    EXPECT_EQ(store.all_index(), expected.all_index()) << died;
    EXPECT_EQ(store.position(log0), expected.position(log0)) << died;
    EXPECT_EQ(parked_, 1u);
  }
}

TEST_F(ScratchFoldTest, folds_only_what_is_admitted) {
  for (int64_t i = 1; i <= 10; ++i) log_.commit<inventory::Event>("S" + std::to_string(i % 2), {received(i)});
  MemoryViewStore store;
  fold_into(store, [](const LogId&, const StoredEvent& event) { return event.meta.aggregate_id == "S1"; });
  EXPECT_EQ(store.all_rows().size(), 1u);
  EXPECT_EQ(events_, 5);
}

}  // namespace
}  // namespace everfold::replay
