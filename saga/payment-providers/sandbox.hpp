// The provider that is built in and moves no money. Its methods: "approve" is captured at once, "decline" is declined,
// "manual" waits for the payer's decision on the sandbox's own page (POST /api/payments/sandbox/{id}/complete). And what
// real providers do on bad days: "approve-less" captures one less than it was asked to, "approve-and-keep" captures and
// refuses every refund.
#pragma once

#include "saga/payment-providers/provider.hpp"

namespace everfold::payment_providers {

class Sandbox : public PaymentProvider {
 public:
  static constexpr const char* name = "sandbox";

  bool calls_out() const override { return false; }
  ChargeOutcome charge(const ChargeRequest& request) override;
  RefundOutcome refund(const RefundRequest& request) override;
  CancelOutcome cancel(const CancelRequest& request) override;
  // The payer's decision comes as a command of ours, not as a callback: none is authentic.
  CallbackNews read(const RawRequest& callback) override;
  CallbackAnswer answer(CallbackResult result) const override;
};

}  // namespace everfold::payment_providers
