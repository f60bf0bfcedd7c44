// Records as they were written, read by today's code: every message that has been published, every event, command and
// upcaster.
#include "tools/schemas/golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "command-side/contexts.hpp"
#include "kernel/codec.hpp"
#include "runtime/writer/hosted_context.hpp"
#include "saga/checkout/decider.hpp"
#include "tests/contract/temporary_folder.hpp"
#include "tests/evolution/parcels.hpp"

namespace everfold::schemas {
namespace {

namespace fs = std::filesystem;

const std::string make_it = "; once it is what it is to be for ever, make it by: ./dev build publish_schemas";

const SchemaSet& today_s_schemas() {
  static const SchemaSet schemas(EVERFOLD_SCHEMAS_DESCRIBED);
  return schemas;
}

Golden golden(const std::string& file) { return parse_golden(read_file(EVERFOLD_GOLDEN "/" + file)); }
bool there_is(const std::string& file) { return fs::exists(EVERFOLD_GOLDEN "/" + file); }

TEST(Golden, EveryPublishedMessageHasBytesThatSayWhatTheySaid) {
  for (const auto& [type, message] : today_s_schemas().kept()) {
    const std::string file = golden_file(type);
    if (!there_is(file)) {
      ADD_FAILURE() << type << " has no golden bytes in tests/golden/" << file << make_it;
      continue;
    }
    const Golden was = golden(file);
    EXPECT_EQ(was.type, type) << file;
    EXPECT_EQ(json_of(*message, was.bytes), was.json)
        << file << " was written by a former version and says something else today";
  }
}

TEST(Golden, NoneIsForgotten) {
  std::set<std::string> known;
  for (const auto& [type, message] : today_s_schemas().kept()) known.insert(golden_file(type));
  for (const ContextEvents& context : all_events())
    for (const UpcastStep& step : context.upcasters) known.insert(golden_file(step));
  for (const auto& file : fs::recursive_directory_iterator(EVERFOLD_GOLDEN)) {
    const std::string name = fs::relative(file.path(), EVERFOLD_GOLDEN).string();
    EXPECT_TRUE(!file.is_regular_file() || known.contains(name))
        << "tests/golden/" << name << " is of a message or upcaster that is gone: what was written so is still there";
  }
}

// By the code that deciders, views and translators read them with.
TEST(Golden, EveryEventIsRead) {
  for (const ContextEvents& context : all_events()) {
    std::vector<std::string> types = context.newest;
    for (const UpcastStep& step : context.upcasters) types.push_back(step.from);
    for (const std::string& type : types)
      EXPECT_TRUE(!there_is(golden_file(type)) || context.reads(type, golden(golden_file(type)).bytes)) << type;
  }
}

// They wait in topics, and among what is parked for as long as nobody sees to it.
TEST(Golden, EveryCommandIsRead) {
  auto contexts = command_contexts();
  contexts.push_back(host<checkout::Checkout>());
  int commands = 0;
  for (const auto& [type, message] : today_s_schemas().kept()) {
    if (!message->file()->name().ends_with("/commands.proto") || !there_is(golden_file(type))) continue;
    const std::string bytes = golden(golden_file(type)).bytes;
    EXPECT_TRUE(std::any_of(contexts.begin(), contexts.end(),
                            [&](const auto& context) { return context->can_read(type, bytes); }))
        << type
        << " was published and no decider reads it any more: put it back into its Command, or list an upcaster beside "
           "it";
    ++commands;
  }
  EXPECT_GE(commands, 30);
}

TEST(Golden, EveryUpcasterMakesWhatItMade) {
  for (const ContextEvents& context : all_events())
    for (const UpcastStep& step : context.upcasters) {
      const std::string file = golden_file(step);
      if (!there_is(file)) {
        ADD_FAILURE() << "upcaster " << step.name << " has no golden bytes in tests/golden/" << file << make_it;
        continue;
      }
      const Golden made = golden(file);
      EXPECT_EQ(made.type, step.to) << file;
      EXPECT_EQ(make_golden(step, golden(golden_file(step.from)), *today_s_schemas().kept().at(step.to)).json,
                made.json)
          << file;
    }
}

TEST(Golden, WhatIsPublishedIsWrittenDown) {
  EXPECT_TRUE(to_text(today(today_s_schemas())) == read_file(EVERFOLD_PUBLISHED))
      << "schemas/published.txt does not list what has been added to the schemas" << make_it;
}

TEST(Golden, WhatIsThereIsNotWrittenAgain) {
  const testing::TemporaryFolder folder;
  const auto written = write_missing(today_s_schemas(), folder.path());
  EXPECT_GE(written.size(), today_s_schemas().kept().size());
  EXPECT_TRUE(write_missing(today_s_schemas(), folder.path()).empty());
  EXPECT_EQ(parse_golden(read_file(folder.path() + "/orders/OrderCancelled.v1.golden")).json,
            R"({"reason":"reason 1001"})");
}

TEST(Golden, EveryFieldIsSet) {
  const Golden made = make_golden("everfold.catalog.ProductCreated.v1",
                                  *today_s_schemas().kept().at("everfold.catalog.ProductCreated.v1"));
  EXPECT_EQ(
      made.json,
      R"({"sku":"sku 1001","details":{"name":"name 1002","description":"description 1003","price":{"amount":"1004",)"
      R"("currency":"currency 1005"},"category":"category 1006","brand":"brand 1007",)"
      R"("attributes":{"key 1008":"value 1009"},"status":"draft"}})");
}

// Of a context with a past: the steps one by one, and how they are listed.
TEST(Golden, ContextsWithUpcastersAreListedWithThem) {
  const auto parcels = events_of<everfold::parcels::Event>("parcels");
  EXPECT_EQ(parcels.newest,
            (std::vector<std::string>{"everfold.parcels.ParcelDispatched.v3", "everfold.parcels.ParcelDelivered.v1"}));
  ASSERT_EQ(parcels.upcasters.size(), 2u);
  const UpcastStep& step = parcels.upcasters[0];
  EXPECT_EQ(step.name, "parcels.weights-add-up");
  EXPECT_EQ(step.from, "everfold.parcels.ParcelSent.v1");
  EXPECT_EQ(step.to, "everfold.parcels.ParcelSent.v2");
  EXPECT_TRUE(parcels.reads(step.from, ""));
}

TEST(Golden, AnUpcastersIsWhatItMakesOfItsFormerVersions) {
  using namespace everfold::parcels;
  const UpcastStep step = events_of<Event>("parcels").upcasters[0];
  EXPECT_EQ(golden_file(step), "upcasters/parcels.weights-add-up.golden");
  const Golden former = make_golden(step.from, *v1::ParcelSent::descriptor());
  EXPECT_EQ(former.json, R"({"to":"to 1001","kilograms":1002.25})");
  const Golden now = make_golden(step, former, *v2::ParcelSent::descriptor());
  EXPECT_EQ(now.type, "everfold.parcels.ParcelSent.v2");
  EXPECT_EQ(now.json, R"({"to":"to 1001","grams":"1002250"})");
  EXPECT_EQ(json_of(*v2::ParcelSent::descriptor(), now.bytes), now.json);
  EXPECT_THROW(make_golden(step, {step.from, "\x0a\xff", "{}"}, *v2::ParcelSent::descriptor()), std::runtime_error);
}

TEST(Golden, AFileThatIsNoneIsRefused) {
  const Golden some{"everfold.toys.ToySold.v1", std::string("\x00\xff", 2), "{}"};
  EXPECT_EQ(to_text(parse_golden(to_text(some))), to_text(some));
  for (const std::string odd : {"", "type t\nbytes 0\njson {}\n", "type t\nbytes 0g\njson {}\n",
                                "type t\njson {}\nbytes 00\n", "type t\nbytes 00\njson {}\nmore\n"})
    EXPECT_THROW(parse_golden(odd), std::runtime_error) << odd;
}

}  // namespace
}  // namespace everfold::schemas
