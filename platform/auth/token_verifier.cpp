#include "platform/auth/token_verifier.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include "kernel/check.hpp"
#include "kernel/recent.hpp"
#include "platform/auth/jwt.hpp"

namespace everfold::auth {
namespace {

constexpr std::size_t longest_token = 4096;
constexpr std::size_t most_remembered = 8192;
constexpr std::string_view scheme = "bearer ";
constexpr std::size_t shortest_secret = 64;  // hex digits
constexpr std::streamsize longest_secret = 4096;
constexpr std::string_view white_space = " \t\r\n";

int64_t system_now_s() {
  using std::chrono::duration_cast, std::chrono::seconds, std::chrono::system_clock;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

bool starts_with_scheme(std::string_view authorization) {
  return authorization.size() > scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                    [](char lower, char c) { return lower == c || (c >= 'A' && c <= 'Z' && c - 'A' + 'a' == lower); });
}

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string mac_of(const std::string& secret, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  check(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()),
             text.size(), mac.data(), &size) != nullptr,
        "HMAC-SHA256 is not available in this OpenSSL");
  constexpr std::string_view hex = "0123456789abcdef";
  std::string token;
  token.reserve(2 * size);
  for (unsigned int i = 0; i < size; ++i) {
    token += hex[mac[i] >> 4];
    token += hex[mac[i] & 15];
  }
  return token;
}

bool same(const std::string& right, std::string_view given) {
  return given.size() == right.size() && CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

}  // namespace

bool Principal::has_role(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}
bool Principal::is_admin() const { return has_role("admin"); }
bool Principal::is_staff() const { return is_admin() || has_role("seller"); }

struct TokenVerifier::Impl {
  std::string secret;
  TokenRules rules;
  // Verifying costs more than all the other checks of an ordinary request.
  Recent<VerifiedClaims> verified{most_remembered / 2};
};

TokenVerifier::TokenVerifier(std::string secret, TokenRules rules) : impl_(std::make_unique<Impl>()) {
  check(!secret.empty(), "tokens cannot be verified with an empty secret");
  if (!rules.now_s) rules.now_s = system_now_s;
  impl_->secret = std::move(secret);
  impl_->rules = std::move(rules);
}

TokenVerifier::~TokenVerifier() = default;

Decided<std::optional<Principal>> TokenVerifier::principal(std::string_view authorization) const {
  if (authorization.empty()) return std::optional<Principal>();
  if (!starts_with_scheme(authorization))
    return reject(Code::unauthenticated, "The Authorization header must be \"Bearer <token>\".");
  const std::string_view token = authorization.substr(scheme.size());
  if (token.size() > longest_token) return reject(Code::unauthenticated, "The token is too long.");
  const int64_t now_s = impl_->rules.now_s();
  if (auto known = impl_->verified.find(token); known && known->expires_at_s > now_s)
    return std::optional<Principal>(std::move(known->principal));
  auto claims = verify_jwt(token, impl_->secret, impl_->rules, now_s);
  if (!claims) return std::move(claims).error();
  impl_->verified.put(token, claims.value());
  return std::optional<Principal>(std::move(claims.value().principal));
}

std::string TokenVerifier::make_order_token(std::string_view order_id) const {
  return mac_of(impl_->secret, "order:" + std::string(order_id));
}
bool TokenVerifier::order_token_matches(std::string_view order_id, std::string_view token) const {
  return same(make_order_token(order_id), token);
}

std::string TokenVerifier::make_node_token() const { return mac_of(impl_->secret, "node"); }
bool TokenVerifier::node_token_matches(std::string_view token) const { return same(make_node_token(), token); }

Decided<std::string> load_secret(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return reject(Code::unavailable, "The secret file " + path + " cannot be read.");
  std::string text(static_cast<std::size_t>(longest_secret), '\0');
  file.read(text.data(), longest_secret);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return reject(Code::unavailable, "The secret file " + path + " cannot be read.");
  const auto first = text.find_first_not_of(white_space);
  const auto last = text.find_last_not_of(white_space);
  const std::string secret = first == std::string::npos ? "" : text.substr(first, last - first + 1);
  if (secret.size() < shortest_secret || !std::all_of(secret.begin(), secret.end(), is_hex_digit))
    return reject(
        Code::validation_failed,
        "The secret file " + path + " must hold 64 hex digits or more, such as `openssl rand -hex 32` prints.");
  return secret;
}

}  // namespace everfold::auth
