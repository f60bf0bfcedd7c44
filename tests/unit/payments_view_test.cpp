#include "projections/payments/payments.hpp"
#include "tests/folding.hpp"

namespace everfold::payments {
namespace {

using testing::folding;
using testing::make;

v1::PaymentRequested requested() {
  return make<v1::PaymentRequested>(
      "order_id: 'o1' customer_id: 'u1' amount { amount: 900 currency: 'USD' } provider: 'sandbox' method: 'manual'");
}
v1::PaymentPending pending() {
  return make<v1::PaymentPending>("order_id: 'o1' provider_reference: 'r' redirect_url: '/pay'");
}
v1::PaymentCaptured captured() {
  return make<v1::PaymentCaptured>("order_id: 'o1' provider_reference: 'r' amount { amount: 900 currency: 'USD' }");
}
v1::RefundRequested refund(const std::string& id, int64_t amount) {
  return make<v1::RefundRequested>("order_id: 'o1' refund_id: '" + id + "' reason: 'broken' amount { amount: " +
                                   std::to_string(amount) + " currency: 'USD' }");
}

TEST(PaymentsView, FollowsAPaymentToItsLastRefund) {
  folding<Payments>("y1")
      .after(requested())
      .shows(R"(id: "y1" order_id: "o1" customer_id: "u1" provider: "sandbox" method: "manual" status: REQUESTED
        amount { amount: 900 currency: "USD" } captured { currency: "USD" } refunded { currency: "USD" } version: 1
        created_at { seconds: 1 } updated_at { seconds: 1 })")
      .after(pending())
      .changes("status: PENDING redirect_url: '/pay'")
      .after(captured())
      .shows(R"(id: "y1" order_id: "o1" customer_id: "u1" provider: "sandbox" method: "manual" status: CAPTURED
        amount { amount: 900 currency: "USD" } captured { amount: 900 currency: "USD" } refunded { currency: "USD" } version: 3
        created_at { seconds: 1 } updated_at { seconds: 3 })")
      .after(refund("f1", 300))
      .changes("refunds { id: 'f1' amount { amount: 300 currency: 'USD' } reason: 'broken' status: REQUESTED }")
      .after(make<v1::PaymentRefunded>("order_id: 'o1' refund_id: 'f1' amount { amount: 300 currency: 'USD' }"))
      .shows(
          R"(id: "y1" order_id: "o1" customer_id: "u1" provider: "sandbox" method: "manual" status: PARTIALLY_REFUNDED
        amount { amount: 900 currency: "USD" } captured { amount: 900 currency: "USD" } version: 5
        refunded { amount: 300 currency: "USD" }
        refunds { id: "f1" amount { amount: 300 currency: "USD" } reason: "broken" status: DONE }
        created_at { seconds: 1 } updated_at { seconds: 5 })")
      .after(refund("f2", 600))
      .changes("refunds { id: 'f2' amount { amount: 600 currency: 'USD' } reason: 'broken' status: REQUESTED }")
      .after(
          make<v1::PaymentRefunded>("order_id: 'o1' refund_id: 'f2' amount { amount: 600 currency: 'USD' } full: true"))
      .shows(R"(id: "y1" order_id: "o1" customer_id: "u1" provider: "sandbox" method: "manual" status: REFUNDED
        amount { amount: 900 currency: "USD" } captured { amount: 900 currency: "USD" } version: 7
        refunded { amount: 900 currency: "USD" }
        refunds { id: "f1" amount { amount: 300 currency: "USD" } reason: "broken" status: DONE }
        refunds { id: "f2" amount { amount: 600 currency: "USD" } reason: "broken" status: DONE }
        created_at { seconds: 1 } updated_at { seconds: 7 })");
}

TEST(PaymentsView, ARefundThatTheProviderRefusesLeavesTheMoneyCaptured) {
  auto payment = folding<Payments>("y1");
  payment.after(requested())
      .after(captured())
      .after(refund("f1", 300))
      .after(
          make<v1::RefundFailed>("order_id: 'o1' refund_id: 'f1' amount { amount: 300 currency: 'USD' } reason: 'no'"));
  EXPECT_EQ(payment.row().status(), v1::PaymentRow::CAPTURED);
  EXPECT_EQ(payment.row().refunded().amount(), 0);
  EXPECT_EQ(payment.row().refunds(0).status(), v1::PaymentRow::Refund::FAILED);
}

TEST(PaymentsView, AnotherAmountThanAskedIsShownAsItIs) {
  auto payment = folding<Payments>("y1");
  payment.after(requested())
      .after(make<v1::WrongAmountCaptured>("order_id: 'o1' amount { amount: 899 currency: 'EUR' }"))
      .after(make<v1::ReversalRequested>("order_id: 'o1' refund_id: 'f1'"))
      .after(make<v1::ReversalFailed>("order_id: 'o1' amount { amount: 899 currency: 'EUR' }"));
  EXPECT_EQ(payment.row().status(), v1::PaymentRow::CAPTURED);
  EXPECT_EQ(payment.row().captured().amount(), 899);
  EXPECT_EQ(payment.row().captured().currency(), "EUR");
  EXPECT_EQ(payment.row().refunded().currency(), "EUR");
  EXPECT_EQ(payment.row().version(), 4);
}

TEST(PaymentsView, AClosedPaymentSendsNobodyToTheProvider) {
  auto declined = folding<Payments>("y1");
  declined.after(requested()).after(pending()).after(make<v1::PaymentDeclined>("order_id: 'o1' reason: 'card'"));
  EXPECT_EQ(declined.row().status(), v1::PaymentRow::DECLINED);
  EXPECT_EQ(declined.row().decline_reason(), "card");
  EXPECT_FALSE(declined.row().has_redirect_url());

  auto voided = folding<Payments>("y1");
  voided.after(requested()).after(pending()).after(make<v1::PaymentVoided>("order_id: 'o1' reason: 'PAYMENT_TIMEOUT'"));
  EXPECT_EQ(voided.row().status(), v1::PaymentRow::VOIDED);
  EXPECT_FALSE(voided.row().has_redirect_url());
}

TEST(PaymentsView, LateMoneyIsShownAlthoughItWasDeclinedBefore) {
  auto payment = folding<Payments>("y1");
  payment.after(requested()).after(make<v1::PaymentDeclined>("order_id: 'o1' reason: 'card'")).after(captured());
  EXPECT_EQ(payment.row().status(), v1::PaymentRow::CAPTURED);
  EXPECT_EQ(payment.row().captured().amount(), 900);
  EXPECT_FALSE(payment.row().has_decline_reason());
}

}  // namespace
}  // namespace everfold::payments
