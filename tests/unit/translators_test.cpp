#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <set>

#include "kernel/ids.hpp"
#include "saga/translators/carts_to_orders.hpp"
#include "saga/translators/checkout_to_inventory.hpp"
#include "saga/translators/checkout_to_orders.hpp"
#include "saga/translators/checkout_to_payments.hpp"
#include "saga/translators/inventory_to_checkout.hpp"
#include "saga/translators/orders_to_checkout.hpp"
#include "saga/translators/payments_to_checkout.hpp"
#include "saga/translators/payments_to_orders.hpp"
#include "schemas/carts/events.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/checkout/v1/commands.pb.h"
#include "schemas/inventory/events.hpp"
#include "schemas/inventory/v1/commands.pb.h"
#include "schemas/orders/events.hpp"
#include "schemas/orders/v1/commands.pb.h"
#include "schemas/payments/events.hpp"
#include "schemas/payments/v1/commands.pb.h"
#include "tests/messages.hpp"

namespace everfold {
namespace {

using testing::make;
using Reaction = std::function<Decided<Commands>(const StoredEvent&)>;

// Every event of this file is the 7th of its aggregate and happened at noon on the first day.
constexpr int64_t noon_ms = 43'200'000;

StoredEvent stored(const std::string& aggregate_id, Encoded encoded) {
  StoredEvent event;
  event.meta.id = "cause.1";
  event.meta.context = encoded.type.substr(9, encoded.type.find('.', 9) - 9);  // "everfold.<context>.…"
  event.meta.type = std::move(encoded.type);
  event.meta.aggregate_id = aggregate_id;
  event.meta.version = 7;
  event.meta.time_ms = noon_ms;
  event.meta.correlation_id = "correlation";
  event.meta.causation_id = "cause";
  event.meta.traceparent = "trace";
  event.meta.actor = "shopper";
  event.bytes = std::move(encoded.bytes);
  return event;
}

struct Sent {
  std::string context;
  std::string aggregate_id;
  Encoded message;
};
template <class Message>
Sent to(const std::string& context, const std::string& aggregate_id, const std::string& text = "") {
  return {context, aggregate_id, encode_message(make<Message>(text))};
}

template <class Event>
using Table = std::vector<std::pair<Event, std::vector<Sent>>>;

std::string id_of(const Command& command, const StoredEvent& cause) {
  const bool once = command.type == "everfold.inventory.ReserveStock.v1";
  return once ? derive_id({cause.meta.context, cause.meta.aggregate_id, command.type, command.meta.aggregate_id})
              : derive_id({cause.meta.id, command.type, command.meta.aggregate_id});
}

void expect_caused(const Command& command, const StoredEvent& cause, const std::string& actor) {
  EXPECT_EQ(command.meta.id, id_of(command, cause));
  EXPECT_EQ(command.meta.time_ms, cause.meta.time_ms);
  EXPECT_EQ(command.meta.correlation_id, cause.meta.correlation_id);
  EXPECT_EQ(command.meta.causation_id, cause.meta.id);
  EXPECT_EQ(command.meta.traceparent, cause.meta.traceparent);
  EXPECT_EQ(command.meta.actor, actor);
  EXPECT_EQ(command.meta.digest, "");
  EXPECT_EQ(command.meta.expected_version, -1);
}

// Each event of the context has a row; each row gives exactly these commands, twice the same.
template <class Event>
void expect_table(const Reaction& react, const std::string& actor, const std::string& aggregate_id,
                  const Table<Event>& table) {
  std::set<std::size_t> covered;
  for (const auto& [event, expected] : table) {
    covered.insert(event.index());
    const StoredEvent cause = stored(aggregate_id, encode(event));
    SCOPED_TRACE(cause.meta.type);
    const auto commands = react(cause);
    ASSERT_TRUE(commands.has_value()) << commands.error().message;
    ASSERT_EQ(commands.value().size(), expected.size());
    const auto again = react(cause);
    std::set<std::string> ids;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Command& command = commands.value()[i];
      EXPECT_EQ(command.meta.context, expected[i].context);
      EXPECT_EQ(command.meta.aggregate_id, expected[i].aggregate_id);
      EXPECT_EQ(command.type, expected[i].message.type);
      EXPECT_EQ(command.bytes, expected[i].message.bytes);
      expect_caused(command, cause, actor);
      EXPECT_EQ(again.value()[i].meta.id, command.meta.id);
      EXPECT_EQ(again.value()[i].bytes, command.bytes);
      ids.insert(command.meta.id);
    }
    EXPECT_EQ(ids.size(), expected.size()) << "commands share an id";
  }
  EXPECT_EQ(covered.size(), std::variant_size_v<Event>) << "an event has no row";
}

const std::string usd = "currency: 'USD'";
const std::string cart_line =
    "lines { sku: 'a' name: 'Anvil' quantity: 2 unit_price { amount: 5 currency: 'USD' } %} "
    "lines { sku: 'b' name: 'Bell' quantity: 1 unit_price { amount: 7 currency: 'USD' } }";
std::string with_total(std::string lines, const std::string& total) { return lines.replace(lines.find('%'), 1, total); }

TEST(CartsToOrders, Table) {
  namespace from = carts::v1;
  const std::string choice = "payment { provider: 'sandbox' method: 'approve' } ";
  const std::string totals = "line_total { amount: 10 currency: 'USD' }";
  const std::string checked_out = "order_id: 'o' " + usd + " subtotal { amount: 17 currency: 'USD' } " + choice;
  const std::string place = "cart_id: 'cart' order_number: '" + order_number("o") + "' " + usd + " " + choice;
  expect_table<carts::Event>(
      carts_to_orders::react, "translator:carts-orders", "cart",
      {
          {make<from::CartCreated>(usd), {}},
          {make<from::CartItemAdded>("sku: 'a'"), {}},
          {make<from::CartItemQuantityChanged>("sku: 'a'"), {}},
          {make<from::CartItemRemoved>("sku: 'a'"), {}},
          {make<from::CartCheckedOut>("customer_id: 'c' " + checked_out + with_total(cart_line, totals)),
           {to<orders::v1::PlaceOrder>("orders", "o", "customer_id: 'c' " + place + with_total(cart_line, ""))}},
          {make<from::CartCheckedOut>(checked_out), {to<orders::v1::PlaceOrder>("orders", "o", place)}},
      });
}

TEST(OrdersToCheckout, Table) {
  namespace from = orders::v1;
  const std::string placed =
      "order_number: 'EF-1' cart_id: 'cart' total { amount: 17 currency: 'USD' } "
      "payment { provider: 'sandbox' method: 'manual' } lines { sku: 'a' name: 'Anvil' quantity: 2 } "
      "lines { sku: 'b' quantity: 1 } lines { sku: 'a' quantity: 3 } ";
  const std::string start =
      "total { amount: 17 currency: 'USD' } provider: 'sandbox' method: 'manual' "
      "lines { sku: 'a' quantity: 2 } lines { sku: 'b' quantity: 1 } "
      "lines { sku: 'a' quantity: 3 } expires_at { seconds: 43201 nanos: 500000000 } payment_id: '" +
      payment_id_of_order("o") + "' ";
  expect_table<orders::Event>(
      [](const StoredEvent& event) { return orders_to_checkout::react(event, 1'500); }, "translator:orders-checkout",
      "o",
      {
          {make<from::OrderPlaced>(placed + "customer_id: 'c'"),
           {to<checkout::v1::StartCheckout>("checkout", "o", start + "customer_id: 'c'")}},
          {make<from::OrderPlaced>(placed), {to<checkout::v1::StartCheckout>("checkout", "o", start)}},
          {from::OrderStockReserved{}, {}},
          {make<from::OrderPaymentUpdated>("payment { id: 'p' }"), {}},
          {make<from::OrderConfirmed>("payment { id: 'p' }"), {}},
          {make<from::OrderCancelled>("reason: 'late'"),
           {to<checkout::v1::RecordOrderCancelled>("checkout", "o", "reason: 'late'")}},
          {make<from::OrderRefunded>("full: true"), {}},
      });
}

TEST(InventoryToCheckout, Table) {
  namespace from = inventory::v1;
  expect_table<inventory::Event>(inventory_to_checkout::react, "translator:inventory-checkout", "a",
                                 {
                                     {make<from::StockReceived>("quantity: 1"), {}},
                                     {make<from::StockAdjusted>("delta: 1"), {}},
                                     {make<from::LowStockThresholdSet>("threshold: 1"), {}},
                                     {make<from::StockReserved>("order_id: 'o' quantity: 1"),
                                      {to<checkout::v1::RecordStockSecured>("checkout", "o", "sku: 'a'")}},
                                     {make<from::StockReservationRejected>("order_id: 'o' quantity: 1"),
                                      {to<checkout::v1::RecordStockRefused>("checkout", "o", "sku: 'a'")}},
                                     {make<from::StockReleased>("order_id: 'o' quantity: 1"), {}},
                                     {make<from::StockCommitted>("order_id: 'o' quantity: 1"), {}},
                                     {make<from::StockReturned>("order_id: 'o' quantity: 1"), {}},
                                 });
}

TEST(PaymentsToCheckout, Table) {
  namespace from = payments::v1;
  const auto outcome = [](const std::string& what) {
    return to<checkout::v1::RecordPaymentOutcome>("checkout", "o",
                                                  "payment_id: 'p' payment_version: 7 outcome: " + what);
  };
  expect_table<payments::Event>(payments_to_checkout::react, "translator:payments-checkout", "p",
                                {
                                    {make<from::PaymentRequested>("order_id: 'o'"), {}},
                                    {make<from::PaymentPending>("order_id: 'o'"), {}},
                                    {make<from::PaymentCaptured>("order_id: 'o'"), {outcome("CAPTURED")}},
                                    {make<from::PaymentDeclined>("order_id: 'o'"), {outcome("DECLINED")}},
                                    {make<from::PaymentVoided>("order_id: 'o'"), {outcome("VOIDED")}},
                                    {make<from::RefundRequested>("order_id: 'o'"), {}},
                                    {make<from::PaymentRefunded>("order_id: 'o'"), {}},
                                    {make<from::PaymentRefunded>("order_id: 'o' full: true"), {outcome("REFUNDED")}},
                                    {make<from::RefundFailed>("order_id: 'o'"), {}},
                                    {make<from::WrongAmountCaptured>("order_id: 'o'"), {outcome("WRONG_AMOUNT")}},
                                    {make<from::ReversalRequested>("order_id: 'o'"), {}},
                                    {make<from::ReversalFailed>("order_id: 'o'"), {outcome("REVERSAL_FAILED")}},
                                });
}

TEST(PaymentsToOrders, Table) {
  namespace from = payments::v1;
  const auto record = [](const std::string& picture) {
    return to<orders::v1::RecordPayment>("orders", "o", "payment { id: 'p' payment_version: 7 " + picture + " }");
  };
  expect_table<payments::Event>(
      payments_to_orders::react, "translator:payments-orders", "p",
      {
          {make<from::PaymentRequested>("order_id: 'o'"), {record("status: REQUESTED")}},
          {make<from::PaymentPending>("order_id: 'o'"), {record("status: PENDING")}},
          {make<from::PaymentPending>("order_id: 'o' redirect_url: '/pay'"),
           {record("status: PENDING redirect_url: '/pay'")}},
          {make<from::PaymentCaptured>("order_id: 'o'"), {record("status: CAPTURED")}},
          {make<from::PaymentDeclined>("order_id: 'o'"), {record("status: DECLINED")}},
          {make<from::PaymentVoided>("order_id: 'o'"), {record("status: VOIDED")}},
          {make<from::RefundRequested>("order_id: 'o'"), {}},
          {make<from::PaymentRefunded>("order_id: 'o'"), {record("status: PARTIALLY_REFUNDED")}},
          {make<from::PaymentRefunded>("order_id: 'o' full: true"), {record("status: REFUNDED")}},
          {make<from::RefundFailed>("order_id: 'o'"), {}},
          {make<from::WrongAmountCaptured>("order_id: 'o'"), {record("status: CAPTURED")}},
          {make<from::ReversalRequested>("order_id: 'o'"), {}},
          {make<from::ReversalFailed>("order_id: 'o'"), {}},
      });
}

// One message of each kind; the tables below say which of them a translator listens to.
const std::string two_lines = "lines { sku: 'a' quantity: 2 } lines { sku: 'b' quantity: 1 }";
const std::vector<checkout::Event>& checkout_events() {
  namespace from = checkout::v1;
  static const std::vector<checkout::Event> events{
      make<from::CheckoutStarted>(two_lines),
      make<from::StockRequested>(two_lines),
      make<from::TimeoutScheduled>("at { seconds: 1 }"),
      make<from::StockSecured>("sku: 'a'"),
      make<from::StockRefused>("sku: 'a'"),
      make<from::PaymentAsked>("payment_id: 'p' customer_id: 'c' amount { amount: 17 currency: 'USD' } "
                               "provider: 'sandbox' method: 'manual'"),
      make<from::PaymentSecured>("payment_id: 'p'"),
      make<from::PaymentFailed>("reason: 'r'"),
      make<from::StockCommitRequested>(two_lines),
      make<from::OrderConfirmationRequested>("payment_id: 'p' payment_version: 3"),
      make<from::OrderConfirmationRequested>(),
      from::CheckoutCompleted{},
      make<from::CompensationStarted>("reason: 'r'"),
      make<from::StockReleaseRequested>(two_lines),
      make<from::StockReturnRequested>(two_lines),
      make<from::PaymentReversalRequested>("payment_id: 'p' reason: 'r'"),
      from::PaymentSettled{},
      make<from::OrderCancellationRequested>("reason: 'r'"),
      make<from::CheckoutCancelled>("reason: 'r'"),
      from::PaymentReversalFailed{},
      make<from::CompensationFailed>("reason: 'r'"),
  };
  return events;
}
// `expected`: what the named events cause, in the order above; the others cause nothing.
void expect_checkout_table(const Reaction& react, std::list<std::pair<std::string, std::vector<Sent>>> expected) {
  Table<checkout::Event> table;
  for (const auto& event : checkout_events()) {
    const bool listened_to = !expected.empty() && expected.front().first == testing::name_of(event);
    table.emplace_back(event, listened_to ? expected.front().second : std::vector<Sent>{});
    if (listened_to) expected.pop_front();
  }
  EXPECT_TRUE(expected.empty()) << "a row names no event, or not in this order";
  expect_table<checkout::Event>(react, "process:checkout", "o", table);
}

TEST(CheckoutToInventory, Table) {
  namespace into = inventory::v1;
  const std::string order = "order_id: 'o' ";
  expect_checkout_table(
      checkout_to_inventory::react,
      {
          {"StockRequested",
           {to<into::ReserveStock>("inventory", "a", order + "quantity: 2"),
            to<into::ReserveStock>("inventory", "b", order + "quantity: 1")}},
          {"StockCommitRequested",
           {to<into::CommitStock>("inventory", "a", order), to<into::CommitStock>("inventory", "b", order)}},
          {"StockReleaseRequested",
           {to<into::ReleaseStock>("inventory", "a", order), to<into::ReleaseStock>("inventory", "b", order)}},
          {"StockReturnRequested",
           {to<into::ReturnStock>("inventory", "a", order + "quantity: 2"),
            to<into::ReturnStock>("inventory", "b", order + "quantity: 1")}},
      });
}

// A poked checkout asks again. Were that another command, it would find the reservation open, leave no event, and reserve once more if
// it is repeated when the goods are sold.
TEST(CheckoutToInventory, StockThatIsAskedForAgainIsAskedForByTheSameCommand) {
  const auto asked = [](const std::string& order, const std::string& event_id) {
    StoredEvent event = stored(order, encode(checkout::Event(make<checkout::v1::StockRequested>("lines { sku: 'a' quantity: 2 }"))));
    event.meta.id = event_id;
    return checkout_to_inventory::react(event).value().at(0).meta.id;
  };
  EXPECT_EQ(asked("o", "first.1"), asked("o", "poke.1"));
  EXPECT_NE(asked("o", "first.1"), asked("p", "first.1"));
}

TEST(CheckoutToPayments, Table) {
  namespace into = payments::v1;
  expect_checkout_table(
      checkout_to_payments::react,
      {
          {"PaymentAsked",
           {to<into::RequestPayment>("payments", "p",
                                     "order_id: 'o' customer_id: 'c' amount { amount: 17 currency: 'USD' } "
                                     "provider: 'sandbox' method: 'manual'")}},
          {"PaymentReversalRequested",
           {to<into::ReversePayment>("payments", "p",
                                     "reason: 'r' refund_id: '" + derive_id({"cause.1", "refund"}) + "'")}},
      });
}

TEST(CheckoutToOrders, Table) {
  namespace into = orders::v1;
  expect_checkout_table(
      checkout_to_orders::react,
      {
          {"PaymentAsked", {to<into::MarkStockReserved>("orders", "o")}},
          {"OrderConfirmationRequested",
           {to<into::ConfirmOrder>("orders", "o", "payment { id: 'p' status: CAPTURED payment_version: 3 }")}},
          {"OrderConfirmationRequested", {to<into::ConfirmOrder>("orders", "o")}},
          {"OrderCancellationRequested", {to<into::CancelOrder>("orders", "o", "reason: 'r'")}},
      });
}

TEST(Translation, WhatCannotBeReadIsRefusedByName) {
  const std::vector<Reaction> all{
      carts_to_orders::react,       inventory_to_checkout::react,
      payments_to_checkout::react,  payments_to_orders::react,
      checkout_to_inventory::react, checkout_to_payments::react,
      checkout_to_orders::react,    [](const StoredEvent& event) { return orders_to_checkout::react(event, 1); },
  };
  for (const Reaction& react : all) {
    const auto commands = react(stored("o", {"everfold.orders.OrderTeleported.v9", ""}));
    ASSERT_FALSE(commands.has_value());
    EXPECT_EQ(commands.error().code, Code::internal);
    EXPECT_NE(commands.error().message.find("everfold.orders.OrderTeleported.v9"), std::string::npos);
  }
  EXPECT_FALSE(carts_to_orders::react(stored("o", {"everfold.carts.CartCheckedOut.v1", "\xff\xff"})).has_value());
}

TEST(Translation, AnotherEventsCommandsHaveOtherIds) {
  StoredEvent event = stored("a", encode_message(make<inventory::v1::StockReserved>("order_id: 'o'")));
  const auto first = inventory_to_checkout::react(event);
  event.meta.id = "cause.2";
  const auto second = inventory_to_checkout::react(event);
  EXPECT_NE(first.value()[0].meta.id, second.value()[0].meta.id);
}

}  // namespace
}  // namespace everfold
