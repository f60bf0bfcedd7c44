#include "tools/replay/copying/event_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/codec.hpp"
#include "schemas/orders/v1/events.pb.h"
#include "tests/messages.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const LogId orders_0{"orders", 0};

StoredEvent placed(
    const std::string& text = "customer_id: 'mallory' cart_id: 'c' total { amount: 3000 currency: 'USD' }") {
  const Encoded encoded = encode_message(testing::make<orders::v1::OrderPlaced>(text));
  StoredEvent event;
  event.meta = {"a.1", encoded.type, "orders", "order-1", 1, 1'000, "", "a", "", ""};
  event.bytes = encoded.bytes;
  return event;
}

orders::v1::OrderPlaced mapped(const std::string& program, StoredEvent event = placed()) {
  EventMap(program).apply(orders_0, event);
  orders::v1::OrderPlaced order;
  EXPECT_TRUE(order.ParseFromString(event.bytes));
  return order;
}

void refused(const std::string& program, const std::string& because, StoredEvent event = placed()) {
  EXPECT_THAT([&] { mapped(program, event); }, ThrowsMessage<std::runtime_error>(HasSubstr(because))) << program;
}

TEST(EventMap, ChangesData) {
  const auto order = mapped(".data.customerId = \"somebody\"");
  EXPECT_EQ(order.customer_id(), "somebody");
  EXPECT_EQ(order.total().amount(), 3000);
  EXPECT_FALSE(mapped("del(.data.customerId)").has_customer_id());
}

TEST(EventMap, LeavesTheBytesOfWhatItDoesNotChange) {
  StoredEvent event = placed();
  event.bytes += std::string("\xf8\x7f\x01", 3);  // a field of a later version
  const std::string before = event.bytes;
  EventMap("if .type == \"another\" then .data = {} else . end").apply(orders_0, event);
  EXPECT_EQ(event.bytes, before);
}

TEST(EventMap, RefusesToLeaveEventsOut) {
  for (const char* program : {"null", "empty", "., .", "select(.type == \"another\")", "1"})
    refused(program, "none can be left out");
}

TEST(EventMap, RefusesToChangeWhatAnEventIs) {
  for (const char* program :
       {".id = \"b\"", ".time = \"2026-01-01T00:00:00.000Z\"", ".version += 1", ".more = 1", "del(.aggregateId)"})
    refused(program, "changes more than .data");
}

TEST(EventMap, RefusesDataThatAreNoSuchEvent) {
  refused(".data.custmerId = 1", "custmerId");
  refused(".data.total.amount = 1.5", "total.amount");
  refused(".data.total.amount = \"much\"", "total.amount");
  refused("del(.data)", "took its data away");
}

TEST(EventMap, RefusesWhatJqCannotHold) {
  refused(".", "2^53", placed("total { amount: 9007199254740993 currency: 'USD' }"));
  refused(".data.a.b.c.d[0] |= error(\"no\")", "jq says");
  StoredEvent unknown = placed();
  unknown.meta.type = "everfold.orders.OfALaterVersion.v1";
  refused(".", "cannot decode", unknown);
}

TEST(EventMap, RefusesWhatIsNoProgram) { EXPECT_THROW(EventMap(".a | |"), UsageError); }

}  // namespace
}  // namespace everfold::replay
