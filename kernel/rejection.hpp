// What a command or a request can be refused with. One enum for the whole system: a refusal answers the caller's one
// question, "what do I do now?", by its code (stable, for programs), its message (for people, with the remedy) and the
// fields that it is about. How a code looks over HTTP is decided once, in platform/http/errors.cpp. Codes travel between nodes by
// number: new ones go to the end.
#pragma once

#include <boost/outcome/result.hpp>
#include <string>
#include <utility>
#include <vector>

namespace everfold {

enum class Code {
  // The request itself.
  malformed,               // not readable: JSON, UTF-8, HTTP, token syntax
  validation_failed,       // readable, but a field is missing, unknown or out of range
  unauthenticated,         // no token, or one that does not hold
  forbidden,               // known caller, not allowed
  not_found,
  method_not_allowed,
  body_too_large,
  unsupported_media_type,
  request_timeout,         // the request did not arrive in time
  headers_too_large,
  too_many_requests,
  unavailable,             // nothing was done, or the outcome is not known yet: the message says which; retry with the same key
  internal,                // a bug
  // A command against the state of its aggregate.
  version_mismatch,        // If-Match named another version
  idempotency_key_reused,  // same key, another request
  already_exists,
  product_unavailable,     // unknown, draft or archived product
  currency_mismatch,
  cart_empty,
  cart_checked_out,
  cart_full,
  item_not_in_cart,
  amount_out_of_range,     // a sum would not fit
  insufficient_stock,
  order_not_cancellable,
  payment_not_open,        // completing a payment that is not waiting for its payer
  refund_exceeds_captured,
  product_archived,
  // What an operator asks of a program, against what it is doing.
  conflict,
};
inline constexpr Code last_code = Code::conflict;

struct FieldError {
  std::string field;  // "lines[0].quantity"; empty for the request as a whole
  std::string message;
  bool operator==(const FieldError&) const = default;
};

struct Rejection {
  Code code;
  std::string message;
  std::vector<FieldError> details;
  bool operator==(const Rejection&) const = default;
};

template <class T>
using Decided = boost::outcome_v2::basic_result<T, Rejection, boost::outcome_v2::policy::terminate>;

inline Rejection reject(Code code, std::string message) { return {code, std::move(message), {}}; }

inline Rejection reject_field(std::string field, std::string message) {
  Rejection r{Code::validation_failed, field + " " + message, {}};
  r.details.push_back({std::move(field), std::move(message)});
  return r;
}

}  // namespace everfold
