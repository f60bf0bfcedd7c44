// Protobuf messages and refusal codes in tests: written down in one line, compared whole, shown readably.
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/check.hpp"
#include "kernel/rejection.hpp"

namespace everfold::testing {

// make<v1::StockReceived>("quantity: 5 on_hand: 5"): Protobuf's text format.
template <class Message>
Message make(const std::string& text = "") {
  Message message;
  check(google::protobuf::TextFormat::ParseFromString(text, &message), "a test's message is not one: " + text);
  return message;
}

inline bool same(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return a.GetDescriptor() == b.GetDescriptor() && google::protobuf::util::MessageDifferencer::Equals(a, b);
}

template <class... Ms>
const google::protobuf::Message& message_of(const std::variant<Ms...>& event) {
  return std::visit([](const auto& message) -> const google::protobuf::Message& { return message; }, event);
}

template <class... Ms>
bool same(const std::vector<std::variant<Ms...>>& a, const std::vector<std::variant<Ms...>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(message_of(a[i]), message_of(b[i]))) return false;
  return true;
}

template <class... Ms>
std::string name_of(const std::variant<Ms...>& event) {
  return message_of(event).GetDescriptor()->name();
}

// One line each: "  OrderCancelled { reason: "late" }".
template <class... Ms>
std::string show(const std::vector<std::variant<Ms...>>& events) {
  std::string text;
  for (const auto& event : events)
    text += "  " + name_of(event) + " { " + message_of(event).ShortDebugString() + " }\n";
  return text;
}

inline std::string_view name_of(Code code) {
  switch (code) {
    case Code::malformed:
      return "malformed";
    case Code::validation_failed:
      return "validation_failed";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::forbidden:
      return "forbidden";
    case Code::not_found:
      return "not_found";
    case Code::method_not_allowed:
      return "method_not_allowed";
    case Code::body_too_large:
      return "body_too_large";
    case Code::unsupported_media_type:
      return "unsupported_media_type";
    case Code::request_timeout:
      return "request_timeout";
    case Code::headers_too_large:
      return "headers_too_large";
    case Code::too_many_requests:
      return "too_many_requests";
    case Code::unavailable:
      return "unavailable";
    case Code::internal:
      return "internal";
    case Code::version_mismatch:
      return "version_mismatch";
    case Code::idempotency_key_reused:
      return "idempotency_key_reused";
    case Code::already_exists:
      return "already_exists";
    case Code::product_unavailable:
      return "product_unavailable";
    case Code::currency_mismatch:
      return "currency_mismatch";
    case Code::cart_empty:
      return "cart_empty";
    case Code::cart_checked_out:
      return "cart_checked_out";
    case Code::cart_full:
      return "cart_full";
    case Code::item_not_in_cart:
      return "item_not_in_cart";
    case Code::amount_out_of_range:
      return "amount_out_of_range";
    case Code::insufficient_stock:
      return "insufficient_stock";
    case Code::order_not_cancellable:
      return "order_not_cancellable";
    case Code::payment_not_open:
      return "payment_not_open";
    case Code::refund_exceeds_captured:
      return "refund_exceeds_captured";
    case Code::product_archived:
      return "product_archived";
    case Code::conflict:
      return "conflict";
  }
  fail("a code has no name");
}

}  // namespace everfold::testing
