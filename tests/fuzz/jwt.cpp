// Bearer tokens. A first line says what the input is:
//   token    the rest is the token as a client sends it: accepted only if its signature is ours
//   signed   the next line is its header, the rest its claims; signed by us
//   changed  the same, with one character changed after it was signed
//   foreign  the same, signed with another key
#include <nlohmann/json.hpp>
#include <optional>

#include "platform/auth/token_verifier.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/tokens.hpp"

namespace everfold::fuzz {
namespace {

using auth::Principal;

constexpr int64_t now_s = 1'800'000'000;
const std::string secret(64, '5');

std::optional<Principal> caller_of(const std::string& token) {
  const auth::TokenVerifier verifier(secret, {.now_s = [] { return now_s; }});
  const auto first = verifier.principal("Bearer " + token);
  const auto again = verifier.principal("bearer " + token);
  check(first.has_value() == again.has_value(), "a token holds once and not twice");
  if (!first) {
    check(first.error().code == Code::unauthenticated, "a token is refused as something else");
    return std::nullopt;
  }
  check(first.value() && again.value() && *first.value() == *again.value(), "a token names nobody, or two callers");
  return *first.value();
}

bool is_signed_by_us(const std::string& token) {
  const auto dot = token.rfind('.');
  if (dot == std::string::npos) return false;
  const auto text = token.substr(0, dot);
  return token.substr(dot + 1) == testing::base64url(testing::hmac(EVP_sha256(), secret, text));
}

// What an accepted token must say, read by another parser's rules.
void check_claims(std::string_view header, std::string_view claims, const Principal& caller) {
  const auto head = nlohmann::json::parse(header, nullptr, false);
  check(head.is_object() && head.value("alg", nlohmann::json()) == "HS256", "another algorithm is accepted");
  check(!head.contains("crit"), "an extension is accepted that nobody knows");
  const auto said = nlohmann::json::parse(claims, nullptr, false);
  check(said.is_object() && said.value("sub", nlohmann::json()) == caller.subject, "the caller is somebody else");
  check(!caller.subject.empty(), "the caller is nobody");
  check(said.value("iss", nlohmann::json()) == "ecommerce-auth", "somebody else's token is accepted");
  check(said.contains("exp") && said["exp"].is_number() && said["exp"].get<double>() > now_s,
        "an old token is accepted");
  if (caller.is_admin()) check(said["roles"].is_array(), "an admin comes from nowhere");
}

}  // namespace

void try_input(std::string_view input) {
  const auto kind = take_until(input, '\n');
  if (kind == "token") {
    const std::string token(input);
    if (caller_of(token)) check(is_signed_by_us(token), "a token is accepted that we did not sign");
    return;
  }
  const auto header = take_until(input, '\n');
  auto random = random_of(input);
  if (kind == "foreign") {
    const auto token = testing::signed_token(std::string(header), std::string(input), std::string(64, '6'));
    check(!caller_of(token), "somebody else's signature is accepted");
    return;
  }
  auto token = testing::signed_token(std::string(header), std::string(input), secret);
  if (kind == "signed") {
    if (const auto caller = caller_of(token)) check_claims(header, input, *caller);
  } else if (kind == "changed") {
    auto& character = token[random() % token.size()];
    character = static_cast<char>(character ^ (1 << (random() % 8)));
    check(!caller_of(token), "a token is accepted that was changed");
  }
}

}  // namespace everfold::fuzz
