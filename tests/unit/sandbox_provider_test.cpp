#include <gtest/gtest.h>

#include "saga/payment-providers/payment_gateway.hpp"
#include "saga/payment-providers/sandbox.hpp"
#include "schemas/payments/v1/commands.pb.h"
#include "tests/messages.hpp"

namespace everfold::payment_providers {
namespace {

using testing::make;
namespace pay = payments::v1;

// ---- the sandbox

ChargeRequest charge_by(const std::string& method) {
  ChargeRequest request;
  request.payment_id = "p";
  request.order_id = "o";
  request.amount = make<Money>("amount: 1999 currency: 'USD'");
  request.method = method;
  return request;
}

TEST(Sandbox, MethodsDecide) {
  Sandbox sandbox;
  EXPECT_EQ(std::get<Captured>(sandbox.charge(charge_by("approve"))).reference, "sandbox-p");
  EXPECT_EQ(std::get<Declined>(sandbox.charge(charge_by("decline"))).reason, "SANDBOX_DECLINED");
  EXPECT_EQ(std::get<Declined>(sandbox.charge(charge_by("barter"))).reason, "UNKNOWN_METHOD");
  EXPECT_EQ(std::get<Captured>(sandbox.charge(charge_by("approve"))).amount->amount(), 1999);
  EXPECT_EQ(std::get<Captured>(sandbox.charge(charge_by("approve-less"))).amount->amount(), 1998);
  const auto pending = std::get<Pending>(sandbox.charge(charge_by("manual")));
  EXPECT_EQ(pending.reference, "sandbox-p");
  EXPECT_EQ(pending.redirect_url, "/api/payments/sandbox/p/complete");
}

TEST(Sandbox, ARefundAskedTwiceHasOneReference) {
  Sandbox sandbox;
  const RefundRequest request{"p", "r", "sandbox-p", make<Money>("amount: 1 currency: 'USD'"), "late", 0};
  EXPECT_EQ(std::get<Refunded>(sandbox.refund(request)).reference, "sandbox-refund-r");
  EXPECT_EQ(std::get<Refunded>(sandbox.refund(request)).reference, "sandbox-refund-r");
}

TEST(Sandbox, KeepsWhatItWasToldToKeep) {
  Sandbox sandbox;
  const auto captured = std::get<Captured>(sandbox.charge(charge_by("approve-and-keep")));
  const RefundRequest request{"p", "r", captured.reference, make<Money>("amount: 1 currency: 'USD'"), "late", 0};
  EXPECT_EQ(std::get<RefundDeclined>(sandbox.refund(request)).reason, "SANDBOX_KEEPS_IT");
}

TEST(Sandbox, CancelsAndBelievesNoCallback) {
  Sandbox sandbox;
  EXPECT_TRUE(std::holds_alternative<Cancelled>(sandbox.cancel({"p", std::nullopt})));
  RawRequest callback;
  callback.method = "POST";
  callback.body = R"({"paymentId": "p", "outcome": "captured"})";
  EXPECT_TRUE(std::holds_alternative<Unauthentic>(sandbox.read(callback)));
  EXPECT_EQ(sandbox.answer(CallbackResult::unauthentic).status, 404);
}

TEST(Registry, FindsByName) {
  Registry registry;
  registry.add(Sandbox::name, std::make_unique<Sandbox>());
  EXPECT_NE(registry.find("sandbox"), nullptr);
  EXPECT_EQ(registry.find("stripe"), nullptr);
  EXPECT_DEATH(registry.add("sandbox", std::make_unique<Sandbox>()), "two payment providers of one name");
}

// ---- the gateway, with a provider that answers what the test says

struct Scripted : PaymentProvider {
  ChargeOutcome charge_outcome = Unavailable{"not scripted"};
  RefundOutcome refund_outcome = Unavailable{"not scripted"};
  CancelOutcome cancel_outcome = Unavailable{"not scripted"};
  std::vector<ChargeRequest> charges;
  std::vector<RefundRequest> refunds;
  std::vector<CancelRequest> cancels;

  ChargeOutcome charge(const ChargeRequest& request) override { return charges.push_back(request), charge_outcome; }
  RefundOutcome refund(const RefundRequest& request) override { return refunds.push_back(request), refund_outcome; }
  CancelOutcome cancel(const CancelRequest& request) override { return cancels.push_back(request), cancel_outcome; }
  CallbackNews read(const RawRequest&) override { return Nothing{}; }
  CallbackAnswer answer(CallbackResult) const override { return {}; }
};

class Gateway : public ::testing::Test {
 protected:
  Gateway() {
    auto provider = std::make_unique<Scripted>();
    provider_ = provider.get();
    registry_.add("bank", std::move(provider));
  }

  static StoredEvent stored(const payments::Event& event) {
    Encoded encoded = encode(event);
    StoredEvent out;
    out.meta.id = "cause.1";
    out.meta.type = std::move(encoded.type);
    out.meta.context = "payments";
    out.meta.aggregate_id = "p";
    out.meta.time_ms = 5'000;
    out.meta.correlation_id = "correlation";
    out.bytes = std::move(encoded.bytes);
    return out;
  }

  template <class Message>
  void expect_told(const payments::Event& event, const std::string& text) {
    const auto commands = gateway_.react(stored(event));
    ASSERT_TRUE(commands.has_value()) << commands.error().message;
    ASSERT_EQ(commands.value().size(), 1u);
    const Command& command = commands.value().front();
    EXPECT_EQ(command.type, type_of<Message>());
    EXPECT_EQ(command.bytes, make<Message>(text).SerializeAsString());
    EXPECT_EQ(command.meta.context, "payments");
    EXPECT_EQ(command.meta.aggregate_id, "p");
    EXPECT_EQ(command.meta.actor, "translator:payments-providers");
    EXPECT_EQ(command.meta.causation_id, "cause.1");
    EXPECT_EQ(command.meta.correlation_id, "correlation");
    EXPECT_EQ(gateway_.react(stored(event)).value().front().meta.id, command.meta.id);
  }
  void expect_nothing(const payments::Event& event) {
    const auto commands = gateway_.react(stored(event));
    ASSERT_TRUE(commands.has_value()) << commands.error().message;
    EXPECT_TRUE(commands.value().empty());
  }
  void expect_refused(const payments::Event& event, Code code, const std::string& message_part) {
    const auto commands = gateway_.react(stored(event));
    ASSERT_FALSE(commands.has_value());
    EXPECT_EQ(commands.error().code, code);
    EXPECT_NE(commands.error().message.find(message_part), std::string::npos) << commands.error().message;
  }

  Scripted* provider_ = nullptr;
  Registry registry_;
  PaymentGateway gateway_{registry_, "https://shop.example/orders/"};

  const payments::Event requested_ = make<pay::PaymentRequested>(
      "order_id: 'o' customer_id: 'c' amount { amount: 1999 currency: 'USD' } provider: 'bank' method: 'card'");
  const payments::Event refund_requested_ = make<pay::RefundRequested>(
      "order_id: 'o' refund_id: 'r' amount { amount: 500 currency: 'USD' } reason: 'late' provider: 'bank' "
      "provider_reference: 'capture-1'");
  const payments::Event voided_ =
      make<pay::PaymentVoided>("order_id: 'o' reason: 'late' provider: 'bank' provider_reference: 'intent-1'");
};

TEST_F(Gateway, ChargesWithThePaymentsIdAsIdempotencyKey) {
  provider_->charge_outcome = Captured{"capture-1"};
  expect_told<pay::RecordCapture>(requested_, "provider_reference: 'capture-1'");
  ASSERT_EQ(provider_->charges.size(), 2u);  // the second is the repetition: the very same request
  for (const ChargeRequest& request : provider_->charges) {
    EXPECT_EQ(request.payment_id, "p");
    EXPECT_EQ(request.order_id, "o");
    EXPECT_EQ(request.customer_id, "c");
    EXPECT_EQ(request.amount.amount(), 1999);
    EXPECT_EQ(request.amount.currency(), "USD");
    EXPECT_EQ(request.method, "card");
    EXPECT_EQ(request.return_url, "https://shop.example/orders/o");
    EXPECT_EQ(request.requested_at_ms, 5'000);
  }
}

TEST_F(Gateway, TellsWhatTheProviderAnsweredToACharge) {
  provider_->charge_outcome = Captured{"capture-1", make<Money>("amount: 1998 currency: 'USD'")};
  expect_told<pay::RecordCapture>(requested_,
                                  "provider_reference: 'capture-1' amount { amount: 1998 currency: 'USD' }");
  provider_->charge_outcome = Pending{"intent-1", "https://bank.example/pay"};
  expect_told<pay::RecordPending>(requested_,
                                  "provider_reference: 'intent-1' redirect_url: 'https://bank.example/pay'");
  provider_->charge_outcome = Pending{"intent-1", std::nullopt};
  expect_told<pay::RecordPending>(requested_, "provider_reference: 'intent-1'");
  provider_->charge_outcome = Declined{"insufficient_funds"};
  expect_told<pay::RecordDecline>(requested_, "reason: 'insufficient_funds'");
  provider_->charge_outcome = Unavailable{"timed out"};
  expect_refused(requested_, Code::unavailable, "bank: timed out");
}

TEST_F(Gateway, RefundsWithTheRefundsIdAsIdempotencyKey) {
  provider_->refund_outcome = Refunded{"refund-1"};
  expect_told<pay::RecordRefund>(refund_requested_, "refund_id: 'r' provider_reference: 'refund-1'");
  const RefundRequest& request = provider_->refunds.front();
  EXPECT_EQ(request.payment_id, "p");
  EXPECT_EQ(request.refund_id, "r");
  EXPECT_EQ(request.capture_reference, "capture-1");
  EXPECT_EQ(request.amount.amount(), 500);
  EXPECT_EQ(request.reason, "late");
  EXPECT_EQ(request.requested_at_ms, 5'000);
}

TEST_F(Gateway, TellsWhatTheProviderAnsweredToARefund) {
  provider_->refund_outcome = RefundDeclined{"too_old"};
  expect_told<pay::RecordRefundFailure>(refund_requested_, "refund_id: 'r' reason: 'too_old'");
  provider_->refund_outcome = RefundPending{};
  expect_nothing(refund_requested_);
  provider_->refund_outcome = InProgress{};
  expect_refused(refund_requested_, Code::too_many_requests, "bank is still at the refund");
  provider_->refund_outcome = Unavailable{"503"};
  expect_refused(refund_requested_, Code::unavailable, "bank: 503");
}

TEST_F(Gateway, CancelsWhatWasVoided) {
  provider_->cancel_outcome = Cancelled{};
  expect_nothing(voided_);
  EXPECT_EQ(provider_->cancels.front().payment_id, "p");
  EXPECT_EQ(provider_->cancels.front().reference, "intent-1");
  provider_->cancel_outcome = Captured{"capture-1"};  // the payer was quicker
  expect_told<pay::RecordCapture>(voided_, "provider_reference: 'capture-1'");
  provider_->cancel_outcome = Unavailable{"503"};
  expect_refused(voided_, Code::unavailable, "bank: 503");
}

TEST_F(Gateway, AnUnknownProviderDeclinesChargesAndHoldsRefunds) {
  expect_told<pay::RecordDecline>(make<pay::PaymentRequested>("order_id: 'o' provider: 'gone'"),
                                  "reason: 'UNKNOWN_PROVIDER'");
  expect_nothing(make<pay::PaymentVoided>("order_id: 'o' provider: 'gone'"));
  expect_refused(make<pay::PaymentVoided>("order_id: 'o' provider: 'gone' provider_reference: 'intent-1'"),
                 Code::internal, "intent-1");
  expect_refused(make<pay::RefundRequested>("order_id: 'o' refund_id: 'r' provider: 'gone'"), Code::internal, "gone");
}

TEST_F(Gateway, OtherEventsAskNobody) {
  expect_nothing(make<pay::PaymentPending>("order_id: 'o'"));
  expect_nothing(make<pay::PaymentCaptured>("order_id: 'o'"));
  expect_nothing(make<pay::PaymentDeclined>("order_id: 'o'"));
  expect_nothing(make<pay::PaymentRefunded>("order_id: 'o'"));
  expect_nothing(make<pay::RefundFailed>("order_id: 'o'"));
  expect_nothing(make<pay::WrongAmountCaptured>("order_id: 'o'"));
  expect_nothing(make<pay::ReversalRequested>("order_id: 'o'"));
  expect_nothing(make<pay::ReversalFailed>("order_id: 'o'"));
  EXPECT_TRUE(provider_->charges.empty() && provider_->refunds.empty() && provider_->cancels.empty());
  StoredEvent unknown = stored(requested_);
  unknown.meta.type = "everfold.payments.PaymentTeleported.v9";
  EXPECT_EQ(gateway_.react(unknown).error().code, Code::internal);
}

}  // namespace
}  // namespace everfold::payment_providers
