#include "query-api/http/caller.hpp"

#include <utility>

namespace everfold::query {

Caller::Caller(std::optional<auth::Principal> principal, std::string order_token, const auth::TokenVerifier& tokens)
    : principal_(std::move(principal)), order_token_(std::move(order_token)), tokens_(&tokens) {}

Decided<Caller> Caller::of(const http::Request& request, const auth::TokenVerifier& tokens) {
  auto principal = tokens.principal(request.header("authorization"));
  if (!principal) return principal.error();
  return Caller(std::move(principal).value(), std::string(request.header("everfold-order-token")), tokens);
}

std::optional<Rejection> needs_user(const Caller& caller) {
  if (!caller.is_guest()) return std::nullopt;
  return reject(Code::unauthenticated, "this needs a token: send Authorization: Bearer <token>");
}

std::optional<Rejection> needs_staff(const Caller& caller) {
  if (auto refusal = needs_user(caller)) return refusal;
  if (caller.is_staff()) return std::nullopt;
  return reject(Code::forbidden, "this is for sellers and admins");
}

}  // namespace everfold::query
