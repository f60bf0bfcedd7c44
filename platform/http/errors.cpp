#include "platform/http/errors.hpp"

#include <functional>
#include <string>
#include <utility>

#include "platform/http/text.hpp"

namespace everfold::http {
namespace {

// Messages may quote what a client sent, so whatever is not UTF-8 becomes U+FFFD: the body must always be JSON.
void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const auto length = utf8_sequence_length(text, at);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    } else {
      out += text.substr(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  append_json_string(out, value);
}

// 1, 2 or 3 seconds, by the dice that made the trace's id: those who were refused together do not come back together.
std::string retry_after_s(std::string_view trace_id) {
  return std::to_string(1 + std::hash<std::string_view>()(trace_id) % 3);
}

}  // namespace

HttpError http_error(Code code) {
  switch (code) {
    case Code::malformed:
      return {400, "MalformedRequest"};
    case Code::validation_failed:
      return {400, "ValidationError"};
    case Code::unauthenticated:
      return {401, "Unauthenticated"};
    case Code::forbidden:
      return {403, "Forbidden"};
    case Code::not_found:
      return {404, "NotFound"};
    case Code::method_not_allowed:
      return {405, "MethodNotAllowed"};
    case Code::request_timeout:
      return {408, "RequestTimeout"};
    case Code::body_too_large:
      return {413, "PayloadTooLarge"};
    case Code::unsupported_media_type:
      return {415, "UnsupportedMediaType"};
    case Code::too_many_requests:
      return {429, "TooManyRequests"};
    case Code::headers_too_large:
      return {431, "HeadersTooLarge"};
    case Code::internal:
      return {500, "InternalError"};
    case Code::unavailable:
      return {503, "Unavailable"};
    case Code::version_mismatch:
      return {412, "VersionMismatch"};
    case Code::idempotency_key_reused:
      return {422, "IdempotencyKeyReused"};
    case Code::already_exists:
      return {409, "AlreadyExists"};
    case Code::product_unavailable:
      return {409, "ProductUnavailable"};
    case Code::currency_mismatch:
      return {409, "CurrencyMismatch"};
    case Code::cart_empty:
      return {409, "CartEmpty"};
    case Code::cart_checked_out:
      return {409, "CartCheckedOut"};
    case Code::cart_full:
      return {409, "CartFull"};
    case Code::item_not_in_cart:
      return {409, "ItemNotInCart"};
    case Code::amount_out_of_range:
      return {409, "AmountOutOfRange"};
    case Code::insufficient_stock:
      return {409, "InsufficientStock"};
    case Code::order_not_cancellable:
      return {409, "OrderNotCancellable"};
    case Code::payment_not_open:
      return {409, "PaymentNotOpen"};
    case Code::refund_exceeds_captured:
      return {409, "RefundExceedsCaptured"};
    case Code::product_archived:
      return {409, "ProductArchived"};
    case Code::conflict:
      return {409, "Conflict"};
  }
  return {500, "InternalError"};  // a value cast from outside the enum
}

Response error_response(const Rejection& rejection, std::string_view trace_id) {
  const auto [status, name] = http_error(rejection.code);
  Response response;
  response.status = status;
  if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", retry_after_s(trace_id));
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");

  auto& body = response.body;
  body += '{';
  append_member(body, "error", name);
  body += ',';
  append_member(body, "message", rejection.message);
  body += ",\"details\":[";
  for (const auto& detail : rejection.details) {
    if (body.back() == '}') body += ',';
    body += '{';
    append_member(body, "field", detail.field);
    body += ',';
    append_member(body, "message", detail.message);
    body += '}';
  }
  body += "],";
  append_member(body, "traceId", trace_id);
  body += '}';
  return response;
}

}  // namespace everfold::http
