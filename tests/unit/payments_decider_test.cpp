#include "command-side/payments/decider.hpp"
#include "kernel/ids.hpp"
#include "tests/given.hpp"

namespace everfold::payments {
namespace {

using namespace everfold::testing;

std::string usd(int64_t amount) { return "amount { amount: " + std::to_string(amount) + " currency: 'USD' }"; }
std::string refund(const std::string& id) { return " refund_id: '" + id + "'"; }
const std::string of_order = "order_id: 'order-1' ";

Event requested(const std::string& method = "manual", const std::string& provider = "sandbox") {
  return make<v1::PaymentRequested>(of_order + usd(100) + " provider: '" + provider + "' method: '" + method + "'");
}
Event pending() {
  return make<v1::PaymentPending>(of_order + "provider_reference: 'ref-1' redirect_url: 'http://pay'");
}
Event captured(const std::string& reference = "ref-1") {
  return make<v1::PaymentCaptured>(of_order + usd(100) + " provider_reference: '" + reference + "'");
}
Event declined(const std::string& reason = "no cover") {
  return make<v1::PaymentDeclined>(of_order + "reason: '" + reason + "'");
}
Event voided(const std::string& reason = "why") {
  return make<v1::PaymentVoided>(of_order + "reason: '" + reason + "' provider: 'sandbox'");
}
Event refund_requested(const std::string& id, int64_t amount, const std::string& reason = "why",
                       const std::string& more = "") {
  return make<v1::RefundRequested>(of_order + usd(amount) + refund(id) + " reason: '" + reason +
                                   "' provider: 'sandbox' provider_reference: 'ref-1' " + more);
}
Event reversal_requested(const std::string& id, const std::string& reason = "why") {
  return make<v1::ReversalRequested>(of_order + "reason: '" + reason + "'" + refund(id));
}
Event reversal_refund(const std::string& id, int64_t amount, const std::string& reason = "why") {
  return refund_requested(id, amount, reason, "reversal: true");
}
Event reversal_failed(int64_t amount) { return make<v1::ReversalFailed>(of_order + usd(amount)); }
Event refunded(const std::string& id, int64_t amount, bool full = false) {
  return make<v1::PaymentRefunded>(of_order + usd(amount) + refund(id) + " provider_reference: 'back-1'" +
                                   (full ? " full: true" : ""));
}
Event refund_failed(const std::string& id, int64_t amount) {
  return make<v1::RefundFailed>(of_order + usd(amount) + refund(id) + " reason: 'bank says no'");
}

v1::RequestPayment request() {
  return make<v1::RequestPayment>(of_order + usd(100) + " provider: 'sandbox' method: 'manual'");
}
v1::RecordCapture capture() { return make<v1::RecordCapture>("provider_reference: 'ref-1'"); }
v1::RecordCapture capture_of(int64_t amount) {
  return make<v1::RecordCapture>("provider_reference: 'ref-1' " + usd(amount));
}
v1::RecordDecline decline() { return make<v1::RecordDecline>("reason: 'no cover'"); }
v1::CompleteSandboxPayment complete(const std::string& outcome) {
  return make<v1::CompleteSandboxPayment>("outcome: " + outcome);
}
v1::RequestRefund refund_all(const std::string& id) { return make<v1::RequestRefund>("reason: 'why'" + refund(id)); }
v1::RequestRefund refund_some(const std::string& id, int64_t amount) {
  return make<v1::RequestRefund>("reason: 'why'" + refund(id) + " " + usd(amount));
}
v1::RecordRefund record_refund(const std::string& id) {
  return make<v1::RecordRefund>("provider_reference: 'back-1'" + refund(id));
}
v1::RecordRefundFailure record_failure(const std::string& id) {
  return make<v1::RecordRefundFailure>("reason: 'bank says no'" + refund(id));
}
v1::ReversePayment reverse(const std::string& id) { return make<v1::ReversePayment>("reason: 'why'" + refund(id)); }

const std::vector<Event> paid{requested(), pending(), captured()};
std::vector<Event> paid_and(std::vector<Event> more) {
  more.insert(more.begin(), paid.begin(), paid.end());
  return more;
}

TEST(Payments, EveryCommandInEveryState) {
  expect_table<Payments>({{"none", {}},
                          {"requested", {requested()}},
                          {"pending", {requested(), pending()}},
                          {"captured", paid},
                          {"declined", {requested(), pending(), declined()}},
                          {"voided", {requested(), pending(), voided()}},
                          {"returning", paid_and({refund_requested("r1", 100)})},
                          {"part-back", paid_and({refund_requested("r1", 40), refunded("r1", 40)})},
                          {"all-back", paid_and({refund_requested("r1", 100), refunded("r1", 100, true)})},
                          {"failed", paid_and({refund_requested("r1", 100), refund_failed("r1", 100)})},
                          {"reversing", paid_and({reversal_requested("r1"), reversal_refund("r1", 100)})},
                          {"stuck", paid_and({reversal_requested("r1"), reversal_refund("r1", 100),
                                              refund_failed("r1", 100), reversal_failed(100)})}},
                         {{"request", request()},
                          {"pending", make<v1::RecordPending>("provider_reference: 'ref-1'")},
                          {"capture", capture()},
                          {"capture-99", capture_of(99)},
                          {"decline", decline()},
                          {"approve", complete("approve")},
                          {"refuse", complete("decline")},
                          {"refund-r1", refund_all("r1")},
                          {"refund-r2", refund_all("r2")},
                          {"refund-70", refund_some("r2", 70)},
                          {"refunded-r1", record_refund("r1")},
                          {"refunded-r2", record_refund("r2")},
                          {"failed-r1", record_failure("r1")},
                          {"failed-r2", record_failure("r2")},
                          {"reverse-r1", reverse("r1")},
                          {"reverse-r2", reverse("r2")}},
                         R"(
                 none              requested                pending                  captured                           declined                                           voided                                             returning                part-back                          all-back                 failed                             reversing                    stuck
    request      PaymentRequested  -                        -                        -                                  -                                                  -                                                  -                        -                                  -                        -                                  -                            -
    pending      not_found         PaymentPending           -                        -                                  -                                                  -                                                  -                        -                                  -                        -                                  -                            -
    capture      not_found         PaymentCaptured          PaymentCaptured          -                                  PaymentCaptured+ReversalRequested+RefundRequested  PaymentCaptured+ReversalRequested+RefundRequested  -                        -                                  -                        -                                  -                            -
    capture-99  not_found  WrongAmountCaptured+ReversalRequested+RefundRequested  WrongAmountCaptured+ReversalRequested+RefundRequested  -  WrongAmountCaptured+ReversalRequested+RefundRequested  WrongAmountCaptured+ReversalRequested+RefundRequested  -  -  -  -  -  -
    decline      not_found         PaymentDeclined          PaymentDeclined          -                                  -                                                  -                                                  -                        -                                  -                        -                                  -                            -
    approve      not_found         payment_not_open         PaymentCaptured          payment_not_open                   payment_not_open                                   payment_not_open                                   payment_not_open         payment_not_open                   payment_not_open         payment_not_open                   payment_not_open             payment_not_open
    refuse       not_found         payment_not_open         PaymentDeclined          payment_not_open                   payment_not_open                                   payment_not_open                                   payment_not_open         payment_not_open                   payment_not_open         payment_not_open                   payment_not_open             payment_not_open
    refund-r1    not_found         refund_exceeds_captured  refund_exceeds_captured  RefundRequested                    refund_exceeds_captured                            refund_exceeds_captured                            -                        -                                  -                        -                                  -                            -
    refund-r2    not_found         refund_exceeds_captured  refund_exceeds_captured  RefundRequested                    refund_exceeds_captured                            refund_exceeds_captured                            refund_exceeds_captured  RefundRequested                    refund_exceeds_captured  RefundRequested                    refund_exceeds_captured      RefundRequested
    refund-70    not_found         refund_exceeds_captured  refund_exceeds_captured  RefundRequested                    refund_exceeds_captured                            refund_exceeds_captured                            refund_exceeds_captured  refund_exceeds_captured            refund_exceeds_captured  RefundRequested                    refund_exceeds_captured      RefundRequested
    refunded-r1  not_found         -                        -                        -                                  -                                                  -                                                  PaymentRefunded          -                                  -                        -                                  PaymentRefunded              -
    refunded-r2  not_found         -                        -                        -                                  -                                                  -                                                  -                        -                                  -                        -                                  -                            -
    failed-r1    not_found         -                        -                        -                                  -                                                  -                                                  RefundFailed             -                                  -                        -                                  RefundFailed+ReversalFailed  -
    failed-r2    not_found         -                        -                        -                                  -                                                  -                                                  -                        -                                  -                        -                                  -                            -
    reverse-r1   not_found         PaymentVoided            PaymentVoided            ReversalRequested+RefundRequested  -                                                  -                                                  -                        -                                  -                        -                                  -                            -
    reverse-r2   not_found         PaymentVoided            PaymentVoided            ReversalRequested+RefundRequested  -                                                  -                                                  ReversalRequested        ReversalRequested+RefundRequested  -                        ReversalRequested+RefundRequested  -                            ReversalRequested+RefundRequested
  )");
}

TEST(Payments, RequestingKeepsWhoPaysWhatAndHow) {
  given<Payments>({}).when(request()).then({requested()});
  auto of_ann = request();
  of_ann.set_customer_id("ann");
  given<Payments>({}).when(of_ann).then(
      {make<v1::PaymentRequested>(of_order + usd(100) + " provider: 'sandbox' method: 'manual' customer_id: 'ann'")});
}

TEST(Payments, RequestingBounds) {
  const auto refused = [](const auto& change, const std::string& field) {
    auto command = request();
    change(command);
    given<Payments>({}).when(command).then_rejected(Code::validation_failed, field);
  };
  refused([](auto& c) { c.clear_order_id(); }, "orderId");
  refused([](auto& c) { c.clear_provider(); }, "provider");
  refused([](auto& c) { c.clear_method(); }, "method");
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1'000'000'000'000'001}})
    refused([&](auto& c) { c.mutable_amount()->set_amount(bad); }, "amount.amount");
  refused([](auto& c) { c.mutable_amount()->set_currency("usd"); }, "amount.currency");
}

TEST(Payments, WhatTheProviderSaysIsKept) {
  given<Payments>({requested()})
      .when(make<v1::RecordPending>("provider_reference: 'ref-1' redirect_url: 'http://pay'"))
      .then({pending()});
  given<Payments>({requested()}).when(capture()).then({captured()});
  given<Payments>({requested(), pending()}).when(capture()).then({captured()});
  given<Payments>({requested(), pending()}).when(decline()).then({declined()});
}

TEST(Payments, MoneyThatComesTooLateGoesBack) {
  const std::string id = derive_id({"late capture", "order-1"});
  const std::string why = "The payment had been given up before.";
  const Event reversal = reversal_requested(id, why), back = reversal_refund(id, 100, why);
  given<Payments>({requested(), voided()}).when(capture()).then({captured(), reversal, back});
  given<Payments>({requested(), declined()}).when(capture()).then({captured(), reversal, back});
  const std::vector<Event> late{requested(), voided(), captured(), reversal, back};
  given<Payments>(late).when(capture()).then_nothing();
  given<Payments>(late).when(record_refund(id)).then({refunded(id, 100, true)});
  given<Payments>(late).when(record_failure(id)).then({refund_failed(id, 100), reversal_failed(100)});
}

TEST(Payments, AnotherAmountThanAskedIsNotTakenButGoesBack) {
  const std::string id = derive_id({"wrong amount", "order-1"});
  const std::string why = "The provider took another amount than it was asked to.";
  const auto wrong = [](const std::string& amount) {
    return make<v1::WrongAmountCaptured>(of_order + "provider_reference: 'ref-1' " + amount);
  };
  for (const int64_t amount : {1, 99, 101})
    for (const Event& before : {pending(), voided(), declined()})
      given<Payments>({requested(), before})
          .when(capture_of(amount))
          .then({wrong(usd(amount)), reversal_requested(id, why), reversal_refund(id, amount, why)});
  given<Payments>({requested()}).when(capture_of(100)).then({captured()});
  // In another currency: refunded in that one.
  const std::string eur = "amount { amount: 100 currency: 'EUR' }";
  const auto undone =
      given<Payments>({requested()}).when(make<v1::RecordCapture>("provider_reference: 'ref-1' " + eur)).events();
  ASSERT_EQ(undone.size(), 3u);
  EXPECT_EQ(show(std::vector{undone[0]}), show(std::vector<Event>{wrong(eur)}));
  EXPECT_EQ(std::get<v1::RefundRequested>(undone[2]).amount().currency(), "EUR");
  EXPECT_EQ(std::get<v1::RefundRequested>(undone[2]).amount().amount(), 100);
  // Nothing: nobody paid.
  given<Payments>({requested()}).when(capture_of(0)).then({declined("The provider took nothing.")});
  given<Payments>({requested(), voided()}).when(capture_of(0)).then_nothing();
}

TEST(Payments, TheSandboxPageDecides) {
  const std::vector<Event> waiting{requested(), pending()};
  given<Payments>(waiting).when(complete("decline")).then({declined("The payer declined.")});
  given<Payments>(waiting)
      .when(complete("approve"))
      .then({captured("sandbox-" + derive_id({"sandbox capture", "order-1"}))});
  given<Payments>(waiting).when(complete("unspecified")).then_rejected(Code::validation_failed, "outcome");
  for (const Event& other : {requested("approve"), requested("decline"), requested("manual", "stripe")})
    given<Payments>({other, pending()}).when(complete("approve")).then_rejected(Code::payment_not_open);
}

TEST(Payments, ARefundIsOfWhatIsLeft) {
  given<Payments>(paid).when(refund_some("r1", 40)).then({refund_requested("r1", 40)});
  given<Payments>(paid).when(refund_some("r1", 100)).then({refund_requested("r1", 100)});
  given<Payments>(paid).when(refund_all("r1")).then({refund_requested("r1", 100)});
  given<Payments>(paid).when(refund_some("r1", 101)).then_rejected(Code::refund_exceeds_captured, "amount.amount");
  // Asked for is as good as gone, whatever the provider will say.
  const auto part = paid_and({refund_requested("r1", 40)});
  given<Payments>(part).when(refund_all("r2")).then({refund_requested("r2", 60)});
  given<Payments>(part).when(refund_some("r2", 61)).then_rejected(Code::refund_exceeds_captured, "amount.amount");
  // Unless it says no.
  const auto failed = paid_and({refund_requested("r1", 40), refund_failed("r1", 40)});
  given<Payments>(failed).when(refund_all("r2")).then({refund_requested("r2", 100)});
}

TEST(Payments, RefundBounds) {
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1'000'000'000'000'001}})
    given<Payments>(paid).when(refund_some("r1", bad)).then_rejected(Code::validation_failed, "amount.amount");
  const auto in = [](const std::string& currency) {
    return make<v1::RequestRefund>("reason: 'why' refund_id: 'r1' amount { amount: 1 currency: '" + currency + "' }");
  };
  given<Payments>(paid).when(in("EUR")).then_rejected(Code::currency_mismatch, "amount.currency");
  given<Payments>(paid).when(in("usd")).then_rejected(Code::validation_failed, "amount.currency");
  given<Payments>(paid).when(refund_all("")).then_rejected(Code::validation_failed, "refundId");
  given<Payments>(paid).when(reverse("")).then_rejected(Code::validation_failed, "refundId");
  for (const std::string& bad : {std::string(), std::string(501, 'x'), std::string("a\\nb")}) {
    const std::string text = "refund_id: 'r1' reason: '" + bad + "'";
    given<Payments>(paid).when(make<v1::RequestRefund>(text)).then_rejected(Code::validation_failed, "reason");
    given<Payments>(paid).when(make<v1::ReversePayment>(text)).then_rejected(Code::validation_failed, "reason");
  }
  const std::string longest = "refund_id: 'r1' reason: '" + std::string(500, 'x') + "'";
  EXPECT_EQ(given<Payments>(paid).when(make<v1::RequestRefund>(longest)).events().size(), 1u);
}

TEST(Payments, TheLastRefundIsTheFullOne) {
  const auto two = paid_and({refund_requested("r1", 40), refund_requested("r2", 60)});
  given<Payments>(two).when(record_refund("r2")).then({refunded("r2", 60)});
  auto second_done = two;
  second_done.push_back(refunded("r2", 60));
  given<Payments>(second_done).when(record_refund("r1")).then({refunded("r1", 40, true)});
  given<Payments>(two).when(record_failure("r1")).then({refund_failed("r1", 40)});
}

TEST(Payments, ReversingUndoesWhatWasDone) {
  given<Payments>({requested()}).when(reverse("r1")).then({voided()});
  // The provider is told what to stop waiting for.
  given<Payments>({requested(), pending()})
      .when(reverse("r1"))
      .then({make<v1::PaymentVoided>(of_order + "reason: 'why' provider: 'sandbox' provider_reference: 'ref-1'")});
  given<Payments>(paid).when(reverse("r1")).then({reversal_requested("r1"), reversal_refund("r1", 100)});
  given<Payments>(paid_and({refund_requested("r1", 40)}))
      .when(reverse("r2"))
      .then({reversal_requested("r2"), reversal_refund("r2", 60)});
}

TEST(Payments, AReversalAsksForWhatARefundUnderWayFailsToGiveBack) {
  const auto returning = paid_and({refund_requested("r1", 100), reversal_requested("x")});
  const std::string again = derive_id({"x", "r1"});
  given<Payments>(returning).when(record_failure("r1")).then({refund_failed("r1", 100), reversal_refund(again, 100)});
  given<Payments>(returning).when(record_refund("r1")).then({refunded("r1", 100, true)});
  auto asked_again = returning;
  asked_again.insert(asked_again.end(), {refund_failed("r1", 100), reversal_refund(again, 100)});
  given<Payments>(asked_again).when(record_failure(again)).then({refund_failed(again, 100), reversal_failed(100)});
  given<Payments>(asked_again).when(record_refund(again)).then({refunded(again, 100, true)});
}

TEST(Payments, AReversalHasFailedWhenNothingIsUnderWay) {
  const auto both = paid_and({refund_requested("r1", 40), reversal_requested("x"), reversal_refund("x", 60)});
  given<Payments>(both).when(record_failure("x")).then({refund_failed("x", 60)});
  auto own_failed = both;
  own_failed.push_back(refund_failed("x", 60));
  given<Payments>(own_failed).when(record_refund("r1")).then({refunded("r1", 40), reversal_failed(60)});
  given<Payments>(own_failed)
      .when(record_failure("r1"))
      .then({refund_failed("r1", 40), reversal_refund(derive_id({"x", "r1"}), 100)});
}

TEST(Payments, AFailedReversalCanBeAskedForAgainOrDoneByHand) {
  const auto stuck =
      paid_and({reversal_requested("x"), reversal_refund("x", 100), refund_failed("x", 100), reversal_failed(100)});
  given<Payments>(stuck).when(reverse("x")).then_nothing();
  given<Payments>(stuck).when(reverse("y")).then({reversal_requested("y"), reversal_refund("y", 100)});
  given<Payments>(stuck).when(refund_all("r1")).then({refund_requested("r1", 100)});
  auto by_hand = stuck;
  by_hand.push_back(refund_requested("r1", 100));
  given<Payments>(by_hand).when(record_refund("r1")).then({refunded("r1", 100, true)});
  given<Payments>(by_hand).when(record_failure("r1")).then({refund_failed("r1", 100)});
}

TEST(Payments, Laws) {
  const auto any_command = [](std::mt19937_64& random) -> Payments::Command {
    const std::string id = "r" + std::to_string(random() % 6);
    switch (random() % 24) {
      case 0:
      case 1:
        return request();
      case 2:
        return make<v1::RecordPending>("provider_reference: 'ref-1'");
      case 3:
        return capture();
      case 4:
        return random() % 4 == 0 ? Payments::Command(decline()) : request();
      case 5:
        return complete(random() % 3 ? "approve" : "decline");
      case 6:
        return random() % 2 == 0 ? Payments::Command(reverse(id)) : request();
      case 7:
        return refund_all(id);
      case 8:
      case 9:
      case 10:
        return record_failure(id);
      case 11:
      case 12:
      case 13:
      case 14:
        return record_refund(id);
      default:
        return refund_some(id, static_cast<int64_t>(random() % 60));
    }
  };
  const auto invariant = [](const Payments::State& state) -> std::string {
    int64_t refunding = 0, refunded_sum = 0;
    for (const auto& [id, each] : state.refunds) {
      if (each.amount < 1) return "a refund of nothing\n";
      if (each.status == Payments::RefundStatus::requested) refunding += each.amount;
      if (each.status == Payments::RefundStatus::done) refunded_sum += each.amount;
    }
    if (refunding != state.refunding || refunded_sum != state.refunded)
      return "the sums are not those of the refunds\n";
    if (state.left() < 0) return "more goes back than was captured\n";
    if (state.captured != (state.status == Payments::Status::captured ? state.amount : 0))
      return "captured a wrong amount\n";
    if (state.reversal == Payments::Reversal::asked && state.left() > 0 && state.refunding == 0)
      return "a reversal waits for nothing\n";
    return "";
  };
  auto seen = expect_laws<Payments>(
      {any_command, invariant, [](const Payments::Command&) { return false; }, std::equal_to<>{}});
  for (const char* event :
       {"PaymentRequested", "PaymentPending", "PaymentCaptured", "PaymentDeclined", "PaymentVoided", "RefundRequested",
        "PaymentRefunded", "RefundFailed", "ReversalRequested", "refund_exceeds_captured"})
    EXPECT_GT(seen[event], 20) << event;
  EXPECT_GT(seen["ReversalFailed"], 2);
}

}  // namespace
}  // namespace everfold::payments
