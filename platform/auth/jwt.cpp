#include "platform/auth/jwt.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <jwt/jwt.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace everfold::auth {
namespace {

using Json = nlohmann::json;

constexpr int64_t leeway_s = 60;
constexpr std::size_t most_roles = 100;

Rejection refused(std::string why) { return reject(Code::unauthenticated, "The token " + std::move(why)); }

// header.payload.signature, each base64url without padding. Checked before the library sees them: its decoder indexes a
// table with whatever it is given, skips what it does not know, and is content with more than three parts.
std::optional<std::array<std::string_view, 3>> parts_of(std::string_view token) {
  const auto is_base64url = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  std::array<std::string_view, 3> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto end = i + 1 < parts.size() ? token.find('.') : token.size();
    if (end == std::string_view::npos) return std::nullopt;
    parts[i] = token.substr(0, end);
    if (parts[i].empty() || parts[i].size() % 4 == 1) return std::nullopt;
    if (!std::all_of(parts[i].begin(), parts[i].end(), is_base64url)) return std::nullopt;
    token.remove_prefix(std::min(end + 1, token.size()));
  }
  return parts;
}

// The object that a part holds; a discarded value when it is none.
Json object_of(std::string_view part) {
  Json json = Json::parse(jwt::base64_uri_decode(part.data(), part.size()), nullptr, false);
  return json.is_object() ? json : Json(Json::value_t::discarded);
}

bool signature_holds(std::string_view signed_part, std::string_view signature, const std::string& secret) {
  const auto [mac, error] = jwt::HMACSign<jwt::algo::HS256>::sign(
      jwt::string_view(secret.data(), secret.size()), jwt::string_view(signed_part.data(), signed_part.size()));
  if (error) return false;
  std::string right = jwt::base64_encode(mac.data(), mac.size());
  right.resize(jwt::base64_uri_encode(right.data(), right.size()));
  // The library's own verify() compares with ==, whose time tells how much was right.
  return right.size() == signature.size() && CRYPTO_memcmp(right.data(), signature.data(), right.size()) == 0;
}

// The algorithm is ours to choose, not the token's; and an extension that the token calls critical is one that we do
// not know.
bool header_fits(const Json& header) {
  const auto algorithm = header.find("alg");
  if (algorithm == header.end() || !algorithm->is_string() || algorithm->get_ref<const std::string&>() != "HS256")
    return false;
  return header.find("crit") == header.end() && header.find("b64") == header.end();
}

std::string text_of(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Seconds since 1970, which RFC 7519 lets have a fraction. Nothing: not a number, or beyond any date.
std::optional<double> time_of(const Json& claim) {
  if (!claim.is_number()) return std::nullopt;
  const double seconds = claim.get<double>();
  return seconds >= 0 && seconds < 1e12 ? std::optional(seconds) : std::nullopt;
}

bool is_for(const Json& audience, const std::string& us) {
  if (audience.is_string()) return audience.get_ref<const std::string&>() == us;
  return audience.is_array() && std::find(audience.begin(), audience.end(), Json(us)) != audience.end();
}

std::optional<std::vector<std::string>> texts_of(const Json& claims, const char* name) {
  std::vector<std::string> texts;
  const auto found = claims.find(name);
  if (found == claims.end() || found->is_null()) return texts;
  if (!found->is_array() || found->size() > most_roles) return std::nullopt;
  for (const auto& element : *found) {
    if (!element.is_string()) return std::nullopt;
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

bool begins_later(const Json& claims, const char* name, int64_t now_s) {
  const auto found = claims.find(name);
  if (found == claims.end()) return false;
  const auto begin_s = time_of(*found);
  return !begin_s || *begin_s > static_cast<double>(now_s + leeway_s);
}

bool is_usable_subject(const std::string& subject) {
  return !subject.empty() && subject.size() <= 255 && std::none_of(subject.begin(), subject.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

Decided<VerifiedClaims> check_claims(const Json& claims, const TokenRules& rules, int64_t now_s) {
  if (text_of(claims, "iss") != rules.issuer) return refused("was issued by somebody else.");
  const auto audience = claims.find("aud");
  if (audience == claims.end() || !is_for(*audience, rules.audience)) return refused("is for another audience.");
  const auto expiry = claims.find("exp");
  const auto expires_at = expiry == claims.end() ? std::nullopt : time_of(*expiry);
  if (!expires_at) return refused("has no expiry time (exp).");
  const auto expires_at_s = static_cast<int64_t>(*expires_at);
  if (expires_at_s <= now_s) return refused("has expired: get a new one.");
  if (begins_later(claims, "nbf", now_s) || begins_later(claims, "iat", now_s)) return refused("is not valid yet.");

  VerifiedClaims verified{{text_of(claims, "sub"), text_of(claims, "email"), text_of(claims, "name"), {}, {}},
                          expires_at_s};
  if (!is_usable_subject(verified.principal.subject)) return refused("names no subject (sub).");
  auto roles = texts_of(claims, "roles");
  auto permissions = texts_of(claims, "permissions");
  if (!roles || !permissions) return refused("has roles or permissions that are not a list of texts.");
  verified.principal.roles = std::move(*roles);
  verified.principal.permissions = std::move(*permissions);
  return verified;
}

}  // namespace

Decided<VerifiedClaims> verify_jwt(std::string_view token, const std::string& secret, const TokenRules& rules,
                                   int64_t now_s) {
  const auto parts = parts_of(token);
  if (!parts) return refused("is not a JWT.");
  const std::string_view signed_part = token.substr(0, (*parts)[0].size() + 1 + (*parts)[1].size());
  // The signature first: nothing of what somebody else wrote is read further than to see whose it is.
  if (!signature_holds(signed_part, (*parts)[2], secret)) return refused("has a signature that does not hold.");
  const Json header = object_of((*parts)[0]);
  if (!header.is_object() || !header_fits(header)) return refused("must be signed with HS256, without extensions.");
  const Json claims = object_of((*parts)[1]);
  if (!claims.is_object()) return refused("holds no claims.");
  return check_claims(claims, rules, now_s);
}

}  // namespace everfold::auth
