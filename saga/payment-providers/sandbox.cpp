#include "saga/payment-providers/sandbox.hpp"

namespace everfold::payment_providers {
namespace {

constexpr std::string_view keeper = "sandbox-keeps-";

}  // namespace

ChargeOutcome Sandbox::charge(const ChargeRequest& request) {
  const std::string reference = "sandbox-" + request.payment_id;
  if (request.method == "approve") return Captured{reference, request.amount};
  if (request.method == "approve-and-keep") return Captured{std::string(keeper) + request.payment_id, request.amount};
  if (request.method == "approve-less") {
    Money less = request.amount;
    less.set_amount(less.amount() - 1);
    return Captured{reference, less};
  }
  if (request.method == "decline") return Declined{"SANDBOX_DECLINED"};
  if (request.method == "manual")
    return Pending{reference, "/api/payments/sandbox/" + request.payment_id + "/complete"};
  return Declined{"UNKNOWN_METHOD"};
}

RefundOutcome Sandbox::refund(const RefundRequest& request) {
  if (request.capture_reference.starts_with(keeper)) return RefundDeclined{"SANDBOX_KEEPS_IT"};
  return Refunded{"sandbox-refund-" + request.refund_id};
}

CancelOutcome Sandbox::cancel(const CancelRequest&) { return Cancelled{}; }

CallbackNews Sandbox::read(const RawRequest&) { return Unauthentic{}; }

CallbackAnswer Sandbox::answer(CallbackResult) const { return {404, "text/plain", "The sandbox has no callbacks.\n"}; }

}  // namespace everfold::payment_providers
