// Who is calling: bearer tokens (JWT, HS256 and nothing else) and the order tokens of guests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold::auth {

struct Principal {
  std::string subject;
  std::string email;
  std::string name;
  std::vector<std::string> roles;
  std::vector<std::string> permissions;

  bool has_role(std::string_view role) const;
  bool is_admin() const;
  bool is_staff() const;  // seller or admin
  bool operator==(const Principal&) const = default;
};

struct TokenRules {
  std::string issuer = "ecommerce-auth";
  std::string audience = "ecommerce-services";
  std::function<int64_t()> now_s;  // seconds since 1970; the system's clock when empty
};

// Thread-safe.
class TokenVerifier {
 public:
  explicit TokenVerifier(std::string secret, TokenRules rules = {});
  ~TokenVerifier();

  // The value of the Authorization header; "" (no header) is a guest: nothing. Whatever is not one valid, current
  // bearer token is refused with unauthenticated. `exp` and `sub` are required; `nbf` and `iat` may be up to 60 s ahead
  // of our clock.
  Decided<std::optional<Principal>> principal(std::string_view authorization) const;

  // A guest's key to one order, header Everfold-Order-Token: hex HMAC-SHA256(secret, "order:" + order id).
  std::string make_order_token(std::string_view order_id) const;
  bool order_token_matches(std::string_view order_id, std::string_view token) const;  // in constant time

  // What nodes of one installation show each other: hex HMAC-SHA256(secret, "node").
  std::string make_node_token() const;
  bool node_token_matches(std::string_view token) const;  // in constant time

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// The file's text without white space around it: 64 hex digits or more (32 bytes), used as it is written. Refuses with
// a sentence for the operator that never quotes the secret.
Decided<std::string> load_secret(const std::string& path);

}  // namespace everfold::auth
