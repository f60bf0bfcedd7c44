// The port to whoever moves the money. One implementation a provider, reached by the payment's `provider` name.
//
// Every call may be repeated (the caller crashed before it wrote the answer down) and must then have happened once: a
// provider passes our ids on as its idempotency key or makes its references from them. An answer may also come later,
// as a callback over HTTP: read() believes it or not, answer() says in the provider's own form what we did with it.
// charge(), refund() and cancel() are called from several threads at once (provider_calls.hpp) and come back within half
// a minute, with Unavailable when nothing was heard: retries, with backoff and jitter, are their caller's.
//
// How each fits (its keys, callback URL, OAuth and the like are its constructor's):
//
// sandbox: charge is captured, declined or pending with its own page; refund and cancel are done; no callbacks.
// Stripe: PaymentIntent with Idempotency-Key = payment id, pending with the next action's URL; refund with
//   Idempotency-Key = refund id; cancel the intent (Captured when it was paid). Callback: Stripe-Signature; 200.
// PayPal: order with PayPal-Request-Id = payment id, pending with the approve link; its callback is read by fetching
//   the order and capturing it; refund with PayPal-Request-Id = refund id, maybe RefundPending; orders lapse by
//   themselves, cancel has nothing to do. Callback: RSA signature; 200, Unavailable when the order cannot be fetched.
// VNPay: always pending with a signed URL, vnp_TxnRef = payment id, vnp_CreateDate = requested_at_ms; a refund needs
//   that date too, so the reference holds both; cancel is querydr: Captured or Cancelled. Callback: IPN by GET,
//   answered {"RspCode": …} by CallbackResult: done 00, unknown_payment 01, done_before 02, wrong_amount 04,
//   unauthentic 97.
// MoMo: create with orderId = requestId = payment id, pending with payUrl; refund with requestId = refund id; cancel
//   is a query. Callback: IPN by POST; 204.
// ZaloPay: create with app_trans_id of requested_at_ms' day and payment id, pending with order_url; refund with
//   m_refund_id of the refund id, InProgress while it is (asking again is its query); cancel is a query.
//   Callback: mac with key2 over the raw data; {"return_code": 1}, -1 or 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "schemas/common/v1/money.pb.h"

namespace everfold::payment_providers {

using common::v1::Money;

struct ChargeRequest {
  std::string payment_id;  // the idempotency key
  std::string order_id;
  std::optional<std::string> customer_id;
  Money amount;
  std::string method;           // in the provider's words
  std::string return_url;       // where the payer comes back to; empty: nowhere
  int64_t requested_at_ms = 0;  // the same in every repetition
};
struct RefundRequest {
  std::string payment_id;
  std::string refund_id;          // the idempotency key
  std::string capture_reference;  // what charge() or a callback gave
  Money amount;
  std::string reason;
  int64_t requested_at_ms = 0;
};
struct CancelRequest {
  std::string payment_id;
  std::optional<std::string> reference;  // none: charge() was not answered yet
};

struct Captured {
  std::string reference;
  std::optional<Money> amount{};  // compared with the payment's; none: the provider does not say
};
// The provider waits for the payer.
struct Pending {
  std::string reference;
  std::optional<std::string> redirect_url;
};
struct Declined {
  std::string reason;
};
struct Refunded {
  std::string reference;
};
// Accepted; a callback will tell how it ended.
struct RefundPending {};
struct RefundDeclined {
  std::string reason;
};
struct Cancelled {};
// The provider is well and still at it: the same request must be made again later.
struct InProgress {};
// Nothing is known: the same request must be made again later. Counts against the provider.
struct Unavailable {
  std::string message;
};

using ChargeOutcome = std::variant<Captured, Pending, Declined, Unavailable>;
using RefundOutcome = std::variant<Refunded, RefundPending, RefundDeclined, InProgress, Unavailable>;
using CancelOutcome = std::variant<Cancelled, Captured, Unavailable>;  // Captured: too late, the money is there

// A callback's request as it came: what is signed are its bytes.
struct RawRequest {
  std::string method;
  std::string query;  // still encoded, without the '?'
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int64_t received_at_ms = 0;
};
struct ChargeNews {
  std::string payment_id;
  std::variant<Captured, Declined> outcome;
};
struct RefundNews {
  std::string payment_id;
  std::string refund_id;
  std::variant<Refunded, RefundDeclined> outcome;
};
struct Nothing {};      // authentic, and of no interest
struct Unauthentic {};  // changes nothing
using CallbackNews = std::variant<ChargeNews, RefundNews, Nothing, Unauthentic, Unavailable>;

enum class CallbackResult { done, done_before, unknown_payment, wrong_amount, unauthentic, try_later };
struct CallbackAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

class PaymentProvider {
 public:
  virtual ~PaymentProvider() = default;
  // False: it answers at once, out of memory, and needs no thread to wait for it.
  virtual bool calls_out() const { return true; }
  virtual ChargeOutcome charge(const ChargeRequest& request) = 0;
  virtual RefundOutcome refund(const RefundRequest& request) = 0;
  virtual CancelOutcome cancel(const CancelRequest& request) = 0;
  virtual CallbackNews read(const RawRequest& callback) = 0;
  virtual CallbackAnswer answer(CallbackResult result) const = 0;
};

}  // namespace everfold::payment_providers
