// The parts of everfold-replay that need no log: formats, filters, jq, trees, sorting, plots.
#include <gmock/gmock.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <gtest/gtest.h>

#include <random>

#include "schemas/replay/v1/event.pb.h"
#include "tests/contract/damage.hpp"
#include "tests/contract/temporary_folder.hpp"
#include "tests/unit/replay_scribe.hpp"
#include "tools/replay/history/event_filter.hpp"
#include "tools/replay/history/message_types.hpp"
#include "tools/replay/history/time_sorter.hpp"
#include "tools/replay/output/dump_state.hpp"
#include "tools/replay/output/event_format.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"
#include "tools/replay/show.hpp"
#include "tools/replay/stats.hpp"

namespace everfold::replay {
namespace {

using everfold::testing::ports_of;
using everfold::testing::stock_event;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const LogId inventory_0{"inventory", 0};

template <class Act>
std::string usage_error(Act act) {
  try {
    act();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

// ---- formats ----

std::string formatted(const std::string& format, const StoredEvent& event) {
  std::string out;
  make_event_format(format, 0)->append(out, inventory_0, event, {3, 1042, 1, 2}, "");
  return out;
}

StoredEvent sample_event() {
  auto event = stock_event("SKU, \"1\"", 2, "c1", 1, 1'000);
  event.meta.actor = "seller-1";
  event.offset = 42;
  return event;
}

TEST(ReplayFormat, NdjsonIsOneObjectALine) {
  EXPECT_EQ(
      formatted("ndjson", sample_event()),
      R"({"context":"inventory","aggregateId":"SKU, \"1\"","version":2,"type":"everfold.inventory.StockReceived.v1",)"
      R"("time":"1970-01-01T00:00:01.000Z","id":"c1.1","correlationId":"correlation","causationId":"c1","actor":"seller-1",)"
      R"("log":"inventory.0","offset":42,"data":{"quantity":1,"onHand":1,"reserved":0}})"
      "\n");
}

TEST(ReplayFormat, WhatCannotBeDecodedIsThereWithItsBytes) {
  auto event = sample_event();
  event.meta.type = "everfold.inventory.StockTeleported.v1";
  event.bytes = std::string("\x0a\xff", 2);
  std::string out;
  EXPECT_FALSE(make_event_format("ndjson", 0)->append(out, inventory_0, event, {}, ""));
  EXPECT_THAT(out, HasSubstr(R"("data":null,"undecodedHex":"0aff"})"));
  EXPECT_THAT(formatted("table", event), HasSubstr("cannot be decoded"));
}

TEST(ReplayFormat, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(formatted("csv", sample_event()),
            "inventory,\"SKU, "
            "\"\"1\"\"\",2,everfold.inventory.StockReceived.v1,1970-01-01T00:00:01.000Z,c1.1,correlation,c1,seller-1,"
            "inventory.0,42,"
            "\"{\"\"quantity\"\":1,\"\"onHand\"\":1,\"\"reserved\"\":0}\"\n");
}

TEST(ReplayFormat, ProtobufIsDelimitedAndWhole) {
  const std::string bytes = formatted("protobuf", sample_event()) + formatted("protobuf", sample_event());
  google::protobuf::io::ArrayInputStream in(bytes.data(), static_cast<int>(bytes.size()));
  v1::RecordedEvent event;
  bool end = false;
  int events = 0;
  while (google::protobuf::util::ParseDelimitedFromZeroCopyStream(&event, &in, &end)) ++events;
  EXPECT_TRUE(end);
  EXPECT_EQ(events, 2);
  EXPECT_EQ(event.log_mark(), "3.1042.1/2");
  EXPECT_EQ(event.aggregate_id(), "SKU, \"1\"");
  EXPECT_EQ(event.time().seconds(), 1);
  EXPECT_EQ(event.event(), sample_event().bytes);
}

TEST(ReplayFormat, ATableFitsItsWidth) {
  std::string out;
  make_event_format("table", 60)->append(out, inventory_0, sample_event(), {}, "");
  EXPECT_EQ(characters(out), 61u);
  EXPECT_THAT(out, HasSubstr("…\n"));
}

TEST(ReplayTypes, CommandsAreFoundByName) {
  const auto message = parse_message("everfold.inventory.ReserveStock.v1", "");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->GetDescriptor()->full_name(), "everfold.inventory.v1.ReserveStock");
  for (const char* nothing : {"everfold.inventory.Nothing.v1", "x", "", ".v1", "a.b"})
    EXPECT_FALSE(parse_message(nothing, "")) << nothing;
  EXPECT_EQ(short_type("everfold.orders.OrderPlaced.v1"), "OrderPlaced");
}

// ---- filters ----

class ReplayFilter : public ::testing::Test {
 protected:
  bool passes(const FilterOptions& options, const StoredEvent& event) {
    EventFilter filter(options, history_);
    EventJson maker;
    std::string json;
    const bool passed = filter.passes(inventory_0, event, maker, json);
    note_ = filter.where_note();
    return passed;
  }
  History history_{ports_of(std::make_shared<MemoryLogs>(), {{"inventory", 2}, {"orders", 2}}), "", "test"};
  std::string note_;
};

TEST_F(ReplayFilter, ByTypeActorAndCorrelation) {
  FilterOptions options;
  options.types = {"StockReceived"};
  options.actor = "seller-1";
  options.correlation = "correlation";
  EXPECT_TRUE(passes(options, sample_event()));
  auto event = sample_event();
  event.meta.actor = "seller-2";
  EXPECT_FALSE(passes(options, event));
  event = sample_event();
  event.meta.correlation_id = "other";
  EXPECT_FALSE(passes(options, event));
  event = sample_event();
  event.meta.type = "everfold.inventory.StockReceived.v0";
  EXPECT_TRUE(passes(options, event)) << "whatever version was written";
  event.meta.type = "everfold.inventory.StockAdjusted.v1";
  EXPECT_FALSE(passes(options, event));
  EXPECT_THAT(EventFilter(options, history_).wanted().contexts, ElementsAre("inventory")) << "no other has such events";
}

TEST_F(ReplayFilter, ByAnExpressionOverTheEventsJson) {
  FilterOptions options;
  options.where = ".data.quantity == 1 and .aggregateId != null";
  EXPECT_TRUE(passes(options, sample_event()));
  options.where = ".data.quantity > 1";
  EXPECT_FALSE(passes(options, sample_event()));
  options.where = "(1, 2) == 2";
  EXPECT_TRUE(passes(options, sample_event())) << "any of what it makes";
  options.where = "empty";
  EXPECT_FALSE(passes(options, sample_event()));
  EXPECT_EQ(note_, "");
  options.where = ".data.lines[].sku == \"x\"";
  EXPECT_FALSE(passes(options, sample_event()));
  EXPECT_THAT(note_, HasSubstr("Cannot iterate over null"));
}

TEST_F(ReplayFilter, RefusesWhatMakesNoSense) {
  const auto refusal = [&](auto set) {
    FilterOptions options;
    set(options);
    return usage_error([&] { EventFilter(options, history_); });
  };
  EXPECT_THAT(refusal([](auto& o) { o.types = {"OrderPlcaed"}; }), HasSubstr("--type OrderPlcaed"));
  EXPECT_THAT(refusal([](auto& o) { o.from = "yesterday"; }), HasSubstr("--from yesterday"));
  EXPECT_THAT(refusal([](auto& o) { o.to = "2026-13-01"; }), HasSubstr("--to 2026-13-01"));
  EXPECT_THAT(refusal([](auto& o) { o.offsets_file = "/nowhere"; }), HasSubstr("can't read /nowhere"));
  EXPECT_THAT(refusal([](auto& o) { o.where = ".data |"; }), HasSubstr("--where is no jq program: syntax error"));
  EXPECT_THAT(refusal([](auto& o) { o.where = "nothing_like_it"; }), HasSubstr("nothing_like_it/0 is not defined"));
}

TEST(ReplayOffsets, AreRangesByLog) {
  const auto offsets = parse_offsets(R"({"orders.3": [100, 200], "inventory.0": 1042})", "--offsets");
  EXPECT_EQ(offsets.at({"orders", 3}), (std::pair<int64_t, int64_t>{100, 200}));
  EXPECT_EQ(offsets.at(inventory_0), (std::pair<int64_t, int64_t>{1042, end_of_log}));
  for (const char* bad : {"", "[]", R"({"orders": 1})", R"({"orders.x": 1})", R"({"orders.1": "1"})",
                          R"({"orders.1": [1]})", R"({"orders.-1": 1})"})
    EXPECT_THAT(usage_error([&] { parse_offsets(bad, "--offsets"); }), HasSubstr("--offsets")) << bad;
}

TEST(ReplayTimes, ADayIsItsMidnight) {
  EXPECT_EQ(parse_when("1970-01-02", "--from"), 86'400'000);
  EXPECT_EQ(parse_when("1970-01-02T01:00:00+01:00", "--from"), 86'400'000);
}

TEST(ReplayJq, GivesEverythingThatAProgramMakes) {
  Jq jq(".a[] | {b: .}", "--map");
  EXPECT_THAT(jq.apply(R"({"a":[1,"x",null]})"), ElementsAre(R"({"b":1})", R"({"b":"x"})", R"({"b":null})"));
  EXPECT_EQ(jq.failures(), 0);
  EXPECT_THAT(jq.apply(R"({"a":3})"), SizeIs(0));
  EXPECT_THAT(jq.apply("no json"), SizeIs(0));
  EXPECT_EQ(jq.failures(), 2);
  EXPECT_THAT(jq.first_failure(), HasSubstr("Cannot iterate over number"));
  EXPECT_THAT(jq.apply(R"({"a":[4]})"), ElementsAre(R"({"b":4})")) << "it goes on after a failure";
}

// ---- trees ----

LoggedEvent event_of(const std::string& command, std::size_t place, int64_t time_ms) {
  return {inventory_0, stock_event("aggregate-" + command, static_cast<int64_t>(place), command, place, time_ms)};
}
Command command_of(const std::string& id, const std::string& cause, int64_t time_ms) {
  Command command;
  command.meta.id = id;
  command.meta.context = "inventory";
  command.meta.aggregate_id = "aggregate-" + id;
  command.meta.causation_id = cause;
  command.meta.time_ms = time_ms;
  command.type = "everfold.inventory.ReserveStock.v1";
  return command;
}

// "a(b,c)": command a caused b and c by its events.
std::string shape(const std::vector<CommandNode>& nodes) {
  std::string out;
  for (const CommandNode& node : nodes) {
    std::string below;
    for (const EventNode& event : node.events) below += "[" + shape(event.commands) + "]";
    out += (out.empty() ? "" : ",") + node.id + below;
  }
  return out;
}

TEST(ReplayTree, CommandsStandBelowTheEventThatCausedThem) {
  CommandsById commands;
  commands.add(inventory_0, 1, command_of("late", "root.1", 30));
  commands.add(inventory_0, 2, command_of("soon", "root.1", 20));
  commands.add(inventory_0, 3, command_of("soon", "root.1", 25));  // sent again
  commands.add(inventory_0, 4, command_of("refused", "soon.1", 26));
  const auto roots =
      causal_trees({event_of("soon", 1, 21), event_of("root", 1, 10), event_of("root", 2, 10)}, commands.take());
  EXPECT_EQ(shape(roots), "root[soon[refused],late][]");
  EXPECT_EQ(roots.front().events.front().commands.front().record.front().sent, 2);
  const std::string text = tree_text(roots, 0);
  EXPECT_THAT(text, HasSubstr("a client's command to inventory  aggregate-root"));
  EXPECT_THAT(text, HasSubstr("(sent 2 times)"));
  EXPECT_THAT(text, HasSubstr("no event: refused"));
  EXPECT_THAT(tree_json(roots), HasSubstr(R"("commands":[{"id":"soon","type":"everfold.inventory.ReserveStock.v1")"));
}

TEST(ReplayTree, WhatHasItsCauseElsewhereIsARoot) {
  CommandsById commands;
  commands.add(inventory_0, 1, command_of("orphan", "elsewhere.1", 5));
  EXPECT_EQ(shape(causal_trees({event_of("root", 1, 10), event_of("orphan", 1, 6)}, commands.take())),
            "orphan[],root[]");
}

TEST(ReplayTree, CirclesEnd) {
  CommandsById commands;
  commands.add(inventory_0, 1, command_of("a", "b.1", 1));
  commands.add(inventory_0, 2, command_of("b", "a.1", 2));
  EXPECT_EQ(shape(causal_trees({event_of("a", 1, 1), event_of("b", 1, 2)}, commands.take())), "a[b[]]");
}

TEST(ReplayTimeline, MergesByTimeAndKeepsEachLogsOrder) {
  const auto at = [](const char* context, int64_t version, int64_t time_ms) {
    return LoggedEvent{{context, 0}, stock_event("a", version, context, static_cast<std::size_t>(version), time_ms)};
  };
  const auto merged = merged_by_time(
      {at("orders", 1, 10), at("orders", 2, 5), at("orders", 3, 30), at("checkout", 1, 8), at("checkout", 2, 20)});
  std::string order;
  for (const auto& each : merged)
    order += each.log.context.substr(0, 1) + std::to_string(each.event.meta.version) + " ";
  EXPECT_EQ(order, "c1 o1 o2 c2 o3 ");
}

// ---- sorting, files ----

TEST(ReplaySorter, SortsMoreThanItsMemoryHolds) {
  TimeSorter sorter(4'000);
  std::mt19937 random(1);
  std::vector<std::string> lines;
  for (int i = 0; i < 500; ++i) {
    const int64_t time = static_cast<int64_t>(random() % 1'000);
    const std::string line = std::to_string(1'000 + time) + " " + std::to_string(1'000 + i);
    sorter.add(time, inventory_0, i, line);
    lines.push_back(line);
  }
  EXPECT_GT(sorter.parts(), 5u);
  std::vector<std::string> sorted;
  sorter.drain([&](std::string_view line) { return sorted.emplace_back(line), true; });
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(sorted, lines);
}

TEST(ReplayDumpState, IsFoundAgainUnlessItIsDamagedOrItsPartIsShorter) {
  everfold::testing::TemporaryFolder folder;
  const std::string file = folder.path() + "/out";
  const DumpState state{"dump -o out", 5, 2, {{inventory_0, 7}}};
  everfold::testing::write_file(file + ".part", "12345678");
  EXPECT_FALSE(load_dump_state(file));
  save_dump_state(file, state);
  EXPECT_EQ(load_dump_state(file), state);
  {
    Output out(file, state.length);
    out.write("abc");
    out.finish();
  }
  EXPECT_EQ(everfold::testing::read_file(file), "12345abc");
  everfold::testing::write_file(file + ".part", "1234");
  EXPECT_FALSE(load_dump_state(file)) << "a part that is shorter than what was noted";
  for (const std::string& bad : {std::string(), state.text().substr(0, 20), std::string("{}"),
                                 std::string(R"({"command":"","length":1,"events":1,"offsets":{"x":1}})")})
    EXPECT_FALSE(DumpState::parse(bad)) << bad;
  remove_dump_state(file);
  EXPECT_FALSE(load_dump_state(file));
}

TEST(ReplayOutput, AFileHasItsNameWhenItIsWhole) {
  everfold::testing::TemporaryFolder folder;
  const std::string file = folder.path() + "/out";
  {
    Output out(file);
    out.write("half");
    out.flush();
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_EQ(everfold::testing::read_file(file + ".part"), "half");
  EXPECT_THROW(Output("/nowhere/out"), std::runtime_error);
}

// ---- for people ----

TEST(ReplayText, NumbersAndPlots) {
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(-1'234), "-1,234");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(bytes_text(1'530), "1.5 kB");
  EXPECT_EQ(bar(1, 2, 4), "██");
  EXPECT_EQ(bar(9, 16, 2), "█▏");
  EXPECT_EQ(bar(1, 1'000'000, 4), "▏") << "what is there is seen";
  EXPECT_EQ(bar(0, 2, 4), "");
  EXPECT_EQ(sparkline({0, 1, 4, 8}), " ▂▅█");
  EXPECT_EQ(shortened("äöü", 3), "äöü");
  EXPECT_EQ(shortened("äöüx", 3), "äö…");
  EXPECT_EQ(padded("ä", 3), "ä  ");
}

TEST(ReplayProgress, ABarOrALine) {
  EXPECT_EQ(progress_bar({"read", 50, 100, 2, false}), "read [###############...............] 50/100  25/s  left 0:02");
  EXPECT_EQ(progress_bar({"read", 100, 100, 61, true}),
            "read [##############################] 100/100  1/s  took 1:01");
  EXPECT_EQ(progress_bar({"follow", 7, 0, 0, false}), "follow 7  0/s");
  EXPECT_EQ(progress_json({"read", 50, 100, 2, false}),
            R"({"phase":"read","done":50,"total":100,"perSecond":25,"secondsLeft":2})");
  EXPECT_EQ(progress_json({"read", 100, 100, 2, true}),
            R"({"phase":"read","done":100,"total":100,"perSecond":50,"over":true})");
}

TEST(ReplayStats, CountsByWhateverIsAsked) {
  Statistics statistics;
  constexpr int64_t hour_ms = 3'600'000;
  statistics.add(stock_event("a", 1, "c1", 1, 0));
  statistics.add(stock_event("a", 2, "c2", 1, hour_ms - 1));
  auto adjusted = stock_event("b", 1, "c3", 1, hour_ms);
  adjusted.meta.type = "everfold.inventory.StockAdjusted.v1";
  statistics.add(adjusted);
  EXPECT_EQ(
      statistics.json({"hour"}),
      R"({"events":3,"bytes":12,"first":"1970-01-01T00:00:00.000Z","last":"1970-01-01T01:00:00.000Z","aggregates":2,"byHour":[)"
      R"({"hour":"1970-01-01T00:00Z","events":2,"bytes":8,"first":"1970-01-01T00:00:00.000Z","last":"1970-01-01T00:59:59.999Z"},)"
      R"({"hour":"1970-01-01T01:00Z","events":1,"bytes":4,"first":"1970-01-01T01:00:00.000Z","last":"1970-01-01T01:00:00.000Z"}]})");
  const std::string text = statistics.text({"type", "context", "day"}, 100);
  EXPECT_THAT(text, HasSubstr("3 events of 2 aggregates"));
  EXPECT_THAT(text, HasSubstr("StockReceived           2   66.7%"));
  EXPECT_THAT(text, HasSubstr("inventory           3  100.0%"));
  EXPECT_THAT(text, HasSubstr("1970-01-01           3  100.0%"));
  EXPECT_EQ(Statistics().text({"type"}, 100), "no events\n");
  EXPECT_EQ(Statistics().json({}), R"({"events":0,"bytes":0,"aggregates":0})");
}

}  // namespace
}  // namespace everfold::replay
