// The translator with an effect: a payment's event is a call to its provider, whose answer becomes the payment's next
// command.
#pragma once

#include <string>

#include "saga/payment-providers/registry.hpp"
#include "saga/translators/translation.hpp"
#include "schemas/payments/events.hpp"

namespace everfold::payment_providers {

// PaymentRequested → charge → RecordCapture | RecordPending | RecordDecline
// RefundRequested  → refund → RecordRefund | RecordRefundFailure | (told later)
// PaymentVoided    → cancel → (nothing) | RecordCapture
class PaymentGateway {
 public:
  // `return_url`: the shop's page for a payer who comes back; the order's id is appended. Empty: none.
  PaymentGateway(const Registry& registry, std::string return_url)
      : registry_(registry), return_url_(std::move(return_url)) {}

  // Code::unavailable: the provider could not be asked, or cannot say yet; the event must be tried again. Blocks for as
  // long as the provider does.
  Decided<Commands> react(const StoredEvent& event) const;

 private:
  Decided<Commands> charge(const EventMeta& meta, const payments::v1::PaymentRequested& payment) const;
  Decided<Commands> refund(const EventMeta& meta, const payments::v1::RefundRequested& payment) const;
  Decided<Commands> cancel(const EventMeta& meta, const payments::v1::PaymentVoided& payment) const;

  const Registry& registry_;
  std::string return_url_;
};

}  // namespace everfold::payment_providers
