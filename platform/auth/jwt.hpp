// One token, checked. Split from the verifier because this is the only file that sees the JWT library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/auth/token_verifier.hpp"

namespace everfold::auth {

struct VerifiedClaims {
  Principal principal;
  int64_t expires_at_s = 0;  // the first second in which the token no longer holds
};

Decided<VerifiedClaims> verify_jwt(std::string_view token, const std::string& secret, const TokenRules& rules,
                                   int64_t now_s);

}  // namespace everfold::auth
