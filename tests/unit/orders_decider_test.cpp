#include "command-side/orders/decider.hpp"
#include "tests/given.hpp"

namespace everfold::orders {
namespace {

using namespace everfold::testing;

std::string usd(int64_t amount) { return "{ amount: " + std::to_string(amount) + " currency: 'USD' }"; }
std::string payment(const std::string& status, int version) {
  return "payment { id: 'pay-1' status: " + status + " payment_version: " + std::to_string(version) + " }";
}
std::string line(const std::string& sku, int64_t quantity, int64_t price) {
  return " lines { sku: '" + sku + "' name: 'Mug' quantity: " + std::to_string(quantity) + " unit_price " + usd(price) +
         " }";
}
const std::string of_cart = "order_number: 'EF-1' cart_id: 'cart-1' payment { provider: 'sandbox' method: 'approve' }";

Event placed() { return make<v1::OrderPlaced>("order_number: 'EF-1'"); }
Event stock_reserved() { return v1::OrderStockReserved{}; }
Event updated(const std::string& status, int version) {
  return make<v1::OrderPaymentUpdated>(payment(status, version));
}
Event confirmed(int version = 2) { return make<v1::OrderConfirmed>(payment("CAPTURED", version)); }
Event cancelled(const std::string& reason = "OUT_OF_STOCK") {
  return make<v1::OrderCancelled>("reason: '" + reason + "'");
}
Event refunded(bool full) { return make<v1::OrderRefunded>(full ? "full: true" : ""); }

v1::PlaceOrder place(const std::string& lines = line("MUG", 2, 799)) {
  return make<v1::PlaceOrder>(of_cart + " currency: 'USD'" + lines);
}
v1::RecordPayment record(const std::string& status, int version) {
  return make<v1::RecordPayment>(payment(status, version));
}
v1::ConfirmOrder confirm(int version = 2) {
  return make<v1::ConfirmOrder>("payment { id: 'pay-1' payment_version: " + std::to_string(version) + " }");
}
v1::CancelOrder cancel(const std::string& reason) { return make<v1::CancelOrder>("reason: '" + reason + "'"); }

TEST(Orders, EveryCommandInEveryState) {
  expect_table<Orders>(
      {{"none", {}},
       {"pending", {placed()}},
       {"reserved", {placed(), stock_reserved()}},
       {"confirmed", {placed(), stock_reserved(), confirmed()}},
       {"part-refunded", {placed(), stock_reserved(), confirmed(), updated("PARTIALLY_REFUNDED", 4), refunded(false)}},
       {"refunded", {placed(), stock_reserved(), confirmed(), updated("REFUNDED", 4), refunded(true)}},
       {"cancelled", {placed(), cancelled()}}},
      {{"place", place()},
       {"mark-reserved", v1::MarkStockReserved{}},
       {"pay-old", record("REQUESTED", 1)},
       {"pay-captured", record("CAPTURED", 9)},
       {"pay-part-back", record("PARTIALLY_REFUNDED", 9)},
       {"pay-all-back", record("REFUNDED", 9)},
       {"confirm", confirm()},
       {"confirm-free", v1::ConfirmOrder{}},
       {"cancel-same", cancel("OUT_OF_STOCK")},
       {"cancel-other", cancel("changed my mind")}},
      R"(
                   none         pending              reserved             confirmed            part-refunded        refunded             cancelled
    place          OrderPlaced  -                    -                    -                    -                    -                    -
    mark-reserved  not_found    OrderStockReserved   -                    -                    -                    -                    -
    pay-old        not_found    OrderPaymentUpdated  OrderPaymentUpdated  -                    -                    -                    OrderPaymentUpdated
    pay-captured   not_found    OrderPaymentUpdated  OrderPaymentUpdated  OrderPaymentUpdated  OrderPaymentUpdated  OrderPaymentUpdated  OrderPaymentUpdated
    pay-part-back  not_found    OrderPaymentUpdated  OrderPaymentUpdated  OrderPaymentUpdated+OrderRefunded OrderPaymentUpdated+OrderRefunded OrderPaymentUpdated OrderPaymentUpdated
    pay-all-back   not_found    OrderPaymentUpdated  OrderPaymentUpdated  OrderPaymentUpdated+OrderRefunded OrderPaymentUpdated+OrderRefunded OrderPaymentUpdated OrderPaymentUpdated
    confirm        not_found    OrderConfirmed       OrderConfirmed       -                    -                    -                    -
    confirm-free   not_found    OrderConfirmed       OrderConfirmed       -                    -                    -                    -
    cancel-same    not_found    OrderCancelled       OrderCancelled       OrderCancelled       OrderCancelled       OrderCancelled       -
    cancel-other   not_found    OrderCancelled       OrderCancelled       OrderCancelled       OrderCancelled       OrderCancelled       order_not_cancellable
  )");
}

TEST(Orders, PlacingFreezesTheTotals) {
  auto command = place(line("MUG", 2, 799) + line("CUP", 3, 250) + line("MUG", 1, 0));
  command.set_customer_id("ann");
  const auto with_total = [](const std::string& text, int64_t total) {
    return text.substr(0, text.size() - 1) + "line_total " + usd(total) + " }";
  };
  given<Orders>({}).when(command).then(
      {make<v1::OrderPlaced>(of_cart + " customer_id: 'ann'" + with_total(line("MUG", 2, 799), 1598) +
                             with_total(line("CUP", 3, 250), 750) + with_total(line("MUG", 1, 0), 0) + " subtotal " +
                             usd(2348) + " discount " + usd(0) + " shipping " + usd(0) + " total " + usd(2348))});
}

TEST(Orders, ALineTotalIsWorkedOutHereWhateverTheCommandSays) {
  auto command = place();
  command.mutable_lines(0)->mutable_line_total()->set_amount(1);
  const auto events = given<Orders>({}).when(command).events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<v1::OrderPlaced>(events[0]).lines(0).line_total().amount(), 1598);
}

TEST(Orders, PlacingBounds) {
  const auto refused = [](const v1::PlaceOrder& command, const std::string& field) {
    given<Orders>({}).when(command).then_rejected(Code::validation_failed, field);
  };
  refused(place(""), "lines");
  refused(place(line("MUG", 1, 1) + line("a/b", 1, 1)), "lines[1].sku");
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1'000'000'001}})
    refused(place(line("MUG", bad, 1)), "lines[0].quantity");
  for (const int64_t bad : {int64_t{-1}, int64_t{1'000'000'000'000'001}})
    refused(place(line("MUG", 1, bad)), "lines[0].unitPrice.amount");
  refused(make<v1::PlaceOrder>(of_cart + line("MUG", 1, 1)), "currency");
  const auto without = [](const auto& clear) {
    auto command = place();
    clear(command);
    return command;
  };
  refused(without([](v1::PlaceOrder& c) { c.clear_order_number(); }), "orderNumber");
  refused(without([](v1::PlaceOrder& c) { c.clear_cart_id(); }), "cartId");
  refused(without([](v1::PlaceOrder& c) { c.clear_payment(); }), "payment");
}

TEST(Orders, EveryLineIsInTheOrdersCurrency) {
  auto command = place(line("MUG", 1, 1) + line("CUP", 1, 1));
  command.mutable_lines(1)->mutable_unit_price()->set_currency("EUR");
  given<Orders>({}).when(command).then_rejected(Code::currency_mismatch, "lines[1].unitPrice.currency");
}

TEST(Orders, TheTotalHasAnEnd) {
  const int64_t most = 1'000'000'000'000'000;
  EXPECT_EQ(given<Orders>({}).when(place(line("A", 1, most - 1) + line("B", 1, 1))).events().size(), 1u);
  given<Orders>({})
      .when(place(line("A", 1, most - 1) + line("B", 2, 1)))
      .then_rejected(Code::amount_out_of_range, "lines[1].quantity");
  given<Orders>({}).when(place(line("A", 2, most))).then_rejected(Code::amount_out_of_range, "lines[0].quantity");
}

TEST(Orders, NewsOfThePaymentIsTakenOnceAndInOrder) {
  const std::vector<Event> history{placed(), updated("PENDING", 2)};
  given<Orders>(history).when(record("CAPTURED", 3)).then({updated("CAPTURED", 3)});
  given<Orders>(history).when(record("PENDING", 2)).then_nothing();
  given<Orders>(history).when(record("REQUESTED", 1)).then_nothing();
  given<Orders>({placed(), confirmed(3)}).when(record("CAPTURED", 3)).then_nothing();
}

TEST(Orders, WhereToPayIsKept) {
  const std::string text = "payment { id: 'pay-1' status: PENDING redirect_url: 'http://pay' payment_version: 2 }";
  given<Orders>({placed()}).when(make<v1::RecordPayment>(text)).then({make<v1::OrderPaymentUpdated>(text)});
}

TEST(Orders, NewsOfThePaymentMustSayWhat) {
  const auto refused = [](const std::string& text, const std::string& field) {
    given<Orders>({placed()}).when(make<v1::RecordPayment>(text)).then_rejected(Code::validation_failed, field);
  };
  refused("payment { status: PENDING payment_version: 2 }", "payment.id");
  refused("payment { id: 'p' payment_version: 2 }", "payment.status");
  refused("payment { id: 'p' status: PENDING }", "payment.paymentVersion");
}

TEST(Orders, ConfirmingCarriesTheCapture) {
  given<Orders>({placed(), updated("PENDING", 1)}).when(confirm(2)).then({confirmed(2)});
  given<Orders>({placed(), updated("CAPTURED", 2)}).when(confirm(2)).then({confirmed(2)});
  given<Orders>({placed()}).when(v1::ConfirmOrder{}).then({v1::OrderConfirmed{}});
}

TEST(Orders, ARefundThatWasQuickerThanTheConfirmationIsNotLost) {
  given<Orders>({placed(), updated("PARTIALLY_REFUNDED", 4)})
      .when(confirm(2))
      .then({make<v1::OrderConfirmed>(payment("PARTIALLY_REFUNDED", 4)), refunded(false)});
  given<Orders>({placed(), updated("REFUNDED", 5)})
      .when(confirm(2))
      .then({make<v1::OrderConfirmed>(payment("REFUNDED", 5)), refunded(true)});
}

TEST(Orders, RefundsOfAConfirmedOrderCount) {
  const std::vector<Event> history{placed(), confirmed(2)};
  given<Orders>(history)
      .when(record("PARTIALLY_REFUNDED", 4))
      .then({updated("PARTIALLY_REFUNDED", 4), refunded(false)});
  given<Orders>(history).when(record("REFUNDED", 4)).then({updated("REFUNDED", 4), refunded(true)});
}

TEST(Orders, RefundsOfACancelledOrderAreOnlyNewsOfItsPayment) {
  given<Orders>({placed(), confirmed(2), cancelled()}).when(record("REFUNDED", 4)).then({updated("REFUNDED", 4)});
}

TEST(Orders, CancellingNeedsAReason) {
  given<Orders>({placed()}).when(cancel("changed my mind")).then({cancelled("changed my mind")});
  EXPECT_EQ(given<Orders>({placed()}).when(cancel(std::string(500, 'x'))).events().size(), 1u);
  for (const std::string& bad : {std::string(), std::string("  "), std::string(501, 'x'), std::string("a\\nb")})
    given<Orders>({placed()}).when(cancel(bad)).then_rejected(Code::validation_failed, "reason");
}

TEST(Orders, Laws) {
  const auto any_command = [](std::mt19937_64& random) -> Orders::Command {
    static const std::vector<std::string> statuses{"REQUESTED",          "PENDING", "CAPTURED", "DECLINED", "VOIDED",
                                                   "PARTIALLY_REFUNDED", "REFUNDED"};
    const int version = static_cast<int>(random() % 30);
    switch (random() % 12) {
      case 0:
      case 1:
        return place();
      case 2:
        return v1::MarkStockReserved{};
      case 3:
        return confirm(version);
      case 4:
        return random() % 8 == 0 ? cancel(version % 2 ? "a" : "b") : Orders::Command(place());
      default:
        return record(statuses[random() % statuses.size()], version);
    }
  };
  const auto invariant = [](const Orders::State& state) -> std::string {
    if (state.status == Orders::Status::cancelled && state.cancel_reason.empty()) return "cancelled without a reason\n";
    if (state.status == Orders::Status::refunded && state.payment.payment_version() == 0)
      return "refunded without payment\n";
    if (state.status == Orders::Status::none && state.payment.payment_version() > 0) return "paid without an order\n";
    return "";
  };
  const auto same_state = [](const Orders::State& a, const Orders::State& b) {
    return a.status == b.status && a.cancel_reason == b.cancel_reason && same(a.payment, b.payment);
  };
  auto seen = expect_laws<Orders>({any_command, invariant, [](const Orders::Command&) { return false; }, same_state});
  for (const char* event : {"OrderPlaced", "OrderStockReserved", "OrderPaymentUpdated", "OrderConfirmed",
                            "OrderCancelled", "OrderRefunded", "order_not_cancellable"})
    EXPECT_GT(seen[event], 20) << event;
}

}  // namespace
}  // namespace everfold::orders
