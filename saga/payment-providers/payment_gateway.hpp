// The translator with an effect: a payment's event is a call to its provider, whose answer becomes the payment's next
// command.
#pragma once

#include <optional>
#include <string>

#include "saga/payment-providers/provider_calls.hpp"
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

  // With `calls` the provider is asked there, and react() never blocks.
  Translator::Reacted react(const StoredEvent& event, ProviderCalls& calls) const;
  // Blocks for as long as the provider does. The event must be tried again after Code::unavailable (the provider could
  // not be asked) and Code::too_many_requests (it is well, and cannot say yet).
  Decided<Commands> react(const StoredEvent& event) const;

 private:
  // Whom the event makes us call out to.
  std::optional<std::string> callee_of(const StoredEvent& event) const;
  Decided<Commands> charge(const EventMeta& meta, const payments::v1::PaymentRequested& payment) const;
  Decided<Commands> refund(const EventMeta& meta, const payments::v1::RefundRequested& payment) const;
  Decided<Commands> cancel(const EventMeta& meta, const payments::v1::PaymentVoided& payment) const;

  const Registry& registry_;
  std::string return_url_;
};

}  // namespace everfold::payment_providers
