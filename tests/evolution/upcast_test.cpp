// Former versions of an event, read as the newest: whichever decoder reads them, and what the compiler refuses.
#include "kernel/upcast.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <type_traits>

#include "kernel/codec.hpp"
#include "kernel/ids.hpp"
#include "runtime/log/event_decoder.hpp"
#include "runtime/writer/hosted_context.hpp"
#include "saga/translators/translation.hpp"
#include "tests/evolution/parcels.hpp"
#include "tests/messages.hpp"

namespace everfold::parcels {
namespace {

using testing::make;
using testing::message_of;
using testing::same;

Encoded sent_by_release_1(const std::string& to, double kilograms) {
  v1::ParcelSent event;
  event.set_to(to);
  event.set_kilograms(kilograms);
  return encode_message(event);
}

const Encoded first = sent_by_release_1("Ann, PT", 2.5);
const Encoded second = encode_message(make<v2::ParcelSent>("to: 'Bob, DE' grams: 700"));
const Encoded newest = encode_message(make<v3::ParcelDispatched>("name: 'Eve' country: 'FR' grams: 1"));
const Encoded unchanged = encode_message(make<v1::ParcelDelivered>("parcel: 7"));

// By both decoders, which must agree.
class UpcastTest : public ::testing::Test {
 protected:
  std::optional<Event> read(const Encoded& written) {
    auto event = decode<Event>(written.type, written.bytes);
    const Event* reused = decoder_.decode(written.type, written.bytes);
    EXPECT_EQ(event.has_value(), reused != nullptr);
    EXPECT_TRUE(!event || !reused || same(message_of(*event), message_of(*reused)))
        << message_of(*reused).ShortDebugString();
    return event;
  }
  void expect(const Encoded& written, const google::protobuf::Message& as) {
    const auto event = read(written);
    ASSERT_TRUE(event.has_value());
    EXPECT_TRUE(same(message_of(*event), as)) << message_of(*event).ShortDebugString();
  }

 private:
  EventDecoder<Event> decoder_;
};

TEST_F(UpcastTest, EveryVersionIsReadAsTheNewest) {
  expect(first, make<v3::ParcelDispatched>("name: 'Ann' country: 'PT' grams: 2500"));
  expect(second, make<v3::ParcelDispatched>("name: 'Bob' country: 'DE' grams: 700"));
  expect(newest, make<v3::ParcelDispatched>("name: 'Eve' country: 'FR' grams: 1"));
  expect(unchanged, make<v1::ParcelDelivered>("parcel: 7"));
}

TEST_F(UpcastTest, NothingIsLeftOfTheEventBefore) {
  expect(newest, make<v3::ParcelDispatched>("name: 'Eve' country: 'FR' grams: 1"));
  expect(sent_by_release_1("Zoe", 0), make<v3::ParcelDispatched>("name: 'Zoe'"));
  expect(encode_message(v3::ParcelDispatched()), v3::ParcelDispatched());
}

TEST_F(UpcastTest, AnUpcasterIsTotal) {
  for (const double odd :
       {-1.0, 1e300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    expect(sent_by_release_1(", ", odd), v3::ParcelDispatched());
}

TEST_F(UpcastTest, WhatIsNotThatMessageIsNotRead) {
  EXPECT_FALSE(read({first.type, first.bytes.substr(0, first.bytes.size() - 1)})) << "cut off";
  EXPECT_FALSE(read({"everfold.parcels.ParcelSent.v9", first.bytes}));
}

// A reader from before the new version: parks it, as anything that it cannot read.
TEST_F(UpcastTest, AFormerReleaseDoesNotReadTheNewest) {
  EXPECT_TRUE(decode<EventOfRelease2>(first.type, first.bytes));
  EXPECT_FALSE(decode<EventOfRelease2>(newest.type, newest.bytes));
  EXPECT_FALSE(decode<EventOfRelease1>(second.type, second.bytes));
}

TEST_F(UpcastTest, WhoShowsWhatWasWrittenGetsIt) {
  for (const Encoded& written : {first, second, newest, unchanged}) {
    const auto event = decode<AsWritten<Event>>(written.type, written.bytes);
    ASSERT_TRUE(event.has_value()) << written.type;
    EXPECT_EQ(encode(*event).type, written.type);
    EXPECT_EQ(encode(*event).bytes, written.bytes);
  }
}

TEST_F(UpcastTest, ADeciderTakesCommandsAndEventsOfEveryVersion) {
  const auto context = host<Parcels>();
  const auto state = context->fresh();
  for (const Encoded& written : {sent_by_release_1("Ann, PT", 20), encode_message(make<v2::ParcelSent>("grams: 9000"))})
    ASSERT_TRUE(context->evolve(*state, written.type, written.bytes));
  const auto send = [&](int64_t grams) {
    v1::SendParcel command;
    command.set_to("Eve, FR");
    command.set_grams(grams);
    EXPECT_TRUE(context->can_read(type_of<v1::SendParcel>(), bytes_of(command)));
    return context->decide(*state, type_of<v1::SendParcel>(), bytes_of(command), 1'000);
  };
  ASSERT_FALSE(send(1'001));
  const auto decided = send(1'000);
  ASSERT_TRUE(decided);
  EXPECT_EQ(decided.value().at(0).type, "everfold.parcels.ParcelDispatched.v3");
  EXPECT_EQ(decided.value().at(0).bytes, bytes_of(make<v3::ParcelDispatched>("name: 'Eve' country: 'FR' grams: 1000")));
}

// A translator repeats itself after an upgrade, and sends the next version: it is the same command still.
TEST_F(UpcastTest, ACommandsIdIsThatOfItsFormerVersion) {
  EventMeta cause;
  cause.id = "c1.1";
  const Translation translation(cause, "translator:test");
  EXPECT_EQ(translation.to("lisbon", v2::SendParcel()).meta.id, translation.to("lisbon", v1::SendParcel()).meta.id);
  EXPECT_NE(translation.to("lisbon", v2::SendParcel()).meta.id, translation.to("lisbon", v1::DeliverParcel()).meta.id);
  EXPECT_EQ(translation.to("lisbon", v1::SendParcel()).meta.id,
            derive_id({"c1.1", "everfold.parcels.SendParcel.v1", "lisbon"}))
      << "as it was before there were versions";
}

// ---- what the compiler refuses ----

struct Back {
  static constexpr std::string_view name = "back";
  static v1::ParcelSent upcast(const v2::ParcelSent&) { return {}; }
};
struct Again : WeightsAddUp {};
struct Needless {
  static constexpr std::string_view name = "needless";
  static v3::ParcelDispatched upcast(const v1::ParcelDelivered&) { return {}; }
};

template <class... Us>
constexpr bool fits = detail::chains_are_whole<Event>(Upcasters<Us...>());

static_assert(fits<> && fits<CountriesHaveAField> && fits<WeightsAddUp, CountriesHaveAField>);
static_assert(fits<CountriesHaveAField, WeightsAddUp>, "their order does not matter");
static_assert(!fits<WeightsAddUp>, "it ends in a message that nobody reads");
static_assert(!fits<WeightsAddUp, Back>, "it runs in a circle");
static_assert(!fits<WeightsAddUp, Again, CountriesHaveAField>, "two begin at the same message");
static_assert(!fits<Needless>, "it begins at a message that the variant has");
static_assert(!Upcaster<Event>);
static_assert(std::is_same_v<AsWritten<EventOfRelease1>, EventOfRelease1>, "without upcasters there is nothing to it");

}  // namespace
}  // namespace everfold::parcels
