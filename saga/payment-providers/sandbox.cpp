#include "saga/payment-providers/sandbox.hpp"

namespace everfold::payment_providers {

ChargeOutcome Sandbox::charge(const ChargeRequest& request) {
  const std::string reference = "sandbox-" + request.payment_id;
  if (request.method == "approve") return Captured{reference};
  if (request.method == "decline") return Declined{"SANDBOX_DECLINED"};
  if (request.method == "manual")
    return Pending{reference, "/api/payments/sandbox/" + request.payment_id + "/complete"};
  return Declined{"UNKNOWN_METHOD"};
}

RefundOutcome Sandbox::refund(const RefundRequest& request) { return Refunded{"sandbox-refund-" + request.refund_id}; }

CancelOutcome Sandbox::cancel(const CancelRequest&) { return Cancelled{}; }

CallbackNews Sandbox::read(const RawRequest&) { return Unauthentic{}; }

CallbackAnswer Sandbox::answer(CallbackResult) const { return {404, "text/plain", "The sandbox has no callbacks.\n"}; }

}  // namespace everfold::payment_providers
