// Who asks, and by what right.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kernel/rejection.hpp"
#include "platform/auth/token_verifier.hpp"
#include "platform/http/server.hpp"

namespace everfold::query {

class Caller {
 public:
  // By Authorization and Everfold-Order-Token; a bearer token that does not hold is refused, whatever the route.
  static Decided<Caller> of(const http::Request& request, const auth::TokenVerifier& tokens);

  bool is_staff() const { return principal_ && principal_->is_staff(); }
  bool is_guest() const { return !principal_; }
  bool has_credentials() const { return principal_ || !order_token_.empty(); }
  bool is_customer(std::string_view id) const { return principal_ && principal_->subject == id; }
  bool holds_token_of(std::string_view order_id) const {
    return !order_token_.empty() && tokens_->order_token_matches(order_id, order_token_);
  }
  const std::optional<auth::Principal>& principal() const { return principal_; }

 private:
  Caller(std::optional<auth::Principal> principal, std::string order_token, const auth::TokenVerifier& tokens);

  std::optional<auth::Principal> principal_;
  std::string order_token_;
  const auth::TokenVerifier* tokens_;
};

// Refusals of whole routes.
std::optional<Rejection> needs_user(const Caller& caller);   // 401 without a token
std::optional<Rejection> needs_staff(const Caller& caller);  // and 403 for a shopper

}  // namespace everfold::query
