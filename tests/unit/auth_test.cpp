#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "platform/auth/token_verifier.hpp"
#include "tests/tokens.hpp"

namespace everfold::auth {
namespace {

constexpr int64_t now_s = 1'800'000'000;
const std::string secret(64, 'a');
const std::string hs256 = R"({"alg":"HS256","typ":"JWT"})";

using testing::base64url;
using testing::hmac;

std::string sign(const std::string& header, const std::string& claims, const std::string& key = secret,
                 const EVP_MD* hash = EVP_sha256()) {
  return testing::signed_token(header, claims, key, hash);
}

// The claims of a good token, with one of them changed: "" leaves it out.
std::string claims(const std::string& name = "-", const std::string& value = "") {
  std::string json;
  const std::pair<std::string, std::string> good[] = {{"sub", "\"u-1\""},
                                                      {"iss", "\"ecommerce-auth\""},
                                                      {"aud", "\"ecommerce-services\""},
                                                      {"iat", std::to_string(now_s)},
                                                      {"exp", std::to_string(now_s + 1)},
                                                      {"roles", R"(["user"])"},
                                                      {"name", "\"Ann\""}};
  bool replaced = false;
  for (const auto& [key, text] : good) {
    const std::string& used = key == name ? value : text;
    replaced |= key == name;
    if (!used.empty()) json += (json.empty() ? "{\"" : ",\"") + key + "\":" + used;
  }
  if (!replaced && !value.empty()) json += ",\"" + name + "\":" + value;
  return json + "}";
}

TokenRules rules(int64_t at_s = now_s) {
  TokenRules r;
  r.now_s = [at_s] { return at_s; };
  return r;
}

bool holds(const std::string& token, int64_t at_s = now_s) {
  const TokenVerifier verifier(secret, rules(at_s));
  const auto principal = verifier.principal("Bearer " + token);
  if (principal) return principal.value().has_value();
  EXPECT_EQ(principal.error().code, Code::unauthenticated);
  return false;
}

TEST(Tokens, AGoodOneTellsWhoItIs) {
  const TokenVerifier verifier(secret, rules());
  const std::string token = sign(hs256, claims("roles", R"(["user","seller"])"));
  for (int twice = 0; twice < 2; ++twice) {
    const auto principal = verifier.principal("bearer " + token);
    ASSERT_TRUE(principal) << principal.error().message;
    EXPECT_EQ(principal.value(), (Principal{"u-1", "", "Ann", {"user", "seller"}, {}}));
    EXPECT_TRUE(principal.value()->is_staff());
    EXPECT_FALSE(principal.value()->is_admin());
  }
}

TEST(Tokens, NoHeaderIsAGuest) {
  const auto guest = TokenVerifier(secret, rules()).principal("");
  ASSERT_TRUE(guest);
  EXPECT_FALSE(guest.value());
}

TEST(Tokens, AnotherSchemeIsRefused) {
  const TokenVerifier verifier(secret, rules());
  for (const char* header : {"Basic YTpi", "Bearer", "Bearer ", " ", "Bearer  ", "Token abc", "null"})
    EXPECT_FALSE(verifier.principal(header)) << header;
}

TEST(Tokens, GarbageIsRefused) {
  const std::string good = sign(hs256, claims());
  const std::string header = base64url(hs256), payload = base64url(claims());
  ASSERT_TRUE(holds(good));
  const std::string table[] = {"abc.def.ghi",
                               ".",
                               "..",
                               "...",
                               "a.b",
                               header,
                               header + ".",
                               header + "." + payload,
                               header + "." + payload + ".",
                               good + ".",
                               good + "." + payload,
                               "." + good,
                               good + "=",
                               good + " ",
                               " " + good,
                               good.substr(1),
                               good.substr(0, good.size() - 1),
                               good + "A",
                               std::string("\xff\xfe.\xff.\xff"),
                               std::string("\0.\0.\0", 5),
                               std::string(4097, 'a'),
                               good + std::string(5000, 'A')};
  for (const auto& token : table) EXPECT_FALSE(holds(token)) << token;
}

TEST(Tokens, EveryOtherCharacterBreaksTheSignature) {
  const std::string good = sign(hs256, claims());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(holds(bad)) << i;
  }
}

TEST(Tokens, TheServerChoosesTheAlgorithm) {
  for (const char* alg : {"none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "ES256", "hs256", "", "HS256 "}) {
    const std::string header = std::string(R"({"alg":")") + alg + "\"}";
    EXPECT_FALSE(holds(sign(header, claims()))) << alg;  // signed with our own key all the same
    EXPECT_FALSE(holds(base64url(header) + "." + base64url(claims()) + ".")) << alg;
  }
  EXPECT_FALSE(holds(sign(R"({"alg":"HS512"})", claims(), secret, EVP_sha512())));
  EXPECT_FALSE(holds(sign(R"({"typ":"JWT"})", claims())));
  EXPECT_FALSE(holds(sign(R"({"alg":["HS256"]})", claims())));
  EXPECT_FALSE(holds(sign(R"({"alg":null})", claims())));
  EXPECT_FALSE(holds(sign("[]", claims())));
  EXPECT_FALSE(holds(sign("\"HS256\"", claims())));
  EXPECT_FALSE(holds(sign("{", claims())));
}

TEST(Tokens, CriticalExtensionsAreNotUnderstood) {
  EXPECT_FALSE(holds(sign(R"({"alg":"HS256","crit":["exp"]})", claims())));
  EXPECT_FALSE(holds(sign(R"({"alg":"HS256","b64":false,"crit":["b64"]})", claims())));
  EXPECT_TRUE(holds(sign(R"({"alg":"HS256","kid":"../../dev/null","jku":"http://evil/"})", claims())));
}

TEST(Tokens, AnotherKeyIsRefused) {
  EXPECT_FALSE(holds(sign(hs256, claims(), std::string(64, 'b'))));
  EXPECT_FALSE(holds(sign(hs256, claims(), "")));
}

TEST(Tokens, TheClaimsMustFit) {
  EXPECT_TRUE(holds(sign(hs256, claims("aud", R"(["x","ecommerce-services"])"))));
  const std::pair<const char*, const char*> table[] = {{"iss", ""},
                                                       {"iss", "\"other\""},
                                                       {"iss", "null"},
                                                       {"iss", R"(["ecommerce-auth"])"},
                                                       {"aud", ""},
                                                       {"aud", "\"other\""},
                                                       {"aud", "[]"},
                                                       {"aud", "{}"},
                                                       {"aud", R"(["other"])"},
                                                       {"aud", "1"},
                                                       {"aud", "\"ecommerce-services \""},
                                                       {"sub", ""},
                                                       {"sub", "\"\""},
                                                       {"sub", "7"},
                                                       {"sub", "null"},
                                                       {"sub", R"("a\u0000b")"},
                                                       {"sub", R"("a\nb")"},
                                                       {"exp", ""},
                                                       {"exp", "null"},
                                                       {"exp", "\"1900000000\""},
                                                       {"exp", "-1"},
                                                       {"exp", "1e300"},
                                                       {"exp", "{}"},
                                                       {"nbf", "1800000061"},
                                                       {"nbf", "\"x\""},
                                                       {"iat", "1800000061"},
                                                       {"iat", "[]"},
                                                       {"roles", "\"admin\""},
                                                       {"roles", "[1]"},
                                                       {"roles", R"({"admin":true})"},
                                                       {"permissions", "\"all\""}};
  for (const auto& [name, value] : table)
    EXPECT_FALSE(holds(sign(hs256, claims(name, value)))) << name << ": " << value;
  for (const char* payload : {"[]", "null", "7", "\"x\"", "{", ""})
    EXPECT_FALSE(holds(sign(hs256, payload))) << payload;
  EXPECT_FALSE(holds(sign(hs256, claims("sub", "\"" + std::string(256, 'u') + "\""))));
}

TEST(Tokens, ExpiryHasNoLeewayAndBeginningsHaveAMinute) {
  const std::string good = sign(hs256, claims());
  EXPECT_TRUE(holds(good, now_s));
  EXPECT_FALSE(holds(good, now_s + 1));
  EXPECT_TRUE(holds(sign(hs256, claims("nbf", "1800000060"))));
  EXPECT_TRUE(holds(sign(hs256, claims("iat", "1800000060.0"))));
  EXPECT_FALSE(holds(good, now_s - 61));
}

TEST(Tokens, ARememberedTokenExpiresToo) {
  int64_t clock_s = now_s;
  TokenRules moving;
  moving.now_s = [&] { return clock_s; };
  const TokenVerifier verifier(secret, moving);
  const std::string header = "Bearer " + sign(hs256, claims());
  EXPECT_TRUE(verifier.principal(header));
  clock_s += 1;
  EXPECT_FALSE(verifier.principal(header));
}

TEST(OrderTokens, OpenTheirOwnOrderOnly) {
  const TokenVerifier verifier(secret);
  const std::string token = verifier.make_order_token("o1");
  std::string expected;
  for (const char c : hmac(EVP_sha256(), secret, "order:o1")) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    expected += hex.data();
  }
  EXPECT_EQ(token, expected);
  EXPECT_TRUE(verifier.order_token_matches("o1", token));
  EXPECT_FALSE(verifier.order_token_matches("o2", token));
  EXPECT_FALSE(verifier.order_token_matches("o1", ""));
  EXPECT_FALSE(verifier.order_token_matches("o1", token + "0"));
  EXPECT_FALSE(verifier.order_token_matches("o1", token.substr(1)));
  EXPECT_FALSE(TokenVerifier(std::string(64, 'b')).order_token_matches("o1", token));
}

class SecretFile : public ::testing::Test {
 protected:
  Decided<std::string> load(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return load_secret(path_);
  }
  void TearDown() override { std::remove(path_.c_str()); }
  const std::string path_ = ::testing::TempDir() + "everfold-secret-" + std::to_string(::getpid());
};

TEST_F(SecretFile, HoldsHexDigits) {
  EXPECT_EQ(load(std::string(64, 'a') + "\n").value(), std::string(64, 'a'));
  EXPECT_EQ(load(" 0123456789abcdefABCDEF" + std::string(64, '0')).value(),
            "0123456789abcdefABCDEF" + std::string(64, '0'));
}

TEST_F(SecretFile, IsRefusedWithoutQuotingIt) {
  for (const std::string& text : {std::string(), std::string("\n"), std::string(63, 'a'), std::string(64, 'g'),
                                  std::string(32, 'a') + " " + std::string(32, 'a')}) {
    const auto secret_text = load(text);
    ASSERT_FALSE(secret_text) << text;
    EXPECT_EQ(secret_text.error().message,
              "The secret file " + path_ + " must hold 64 hex digits or more, such as `openssl rand -hex 32` prints.");
  }
  EXPECT_FALSE(load_secret(path_ + "-not-there"));
  EXPECT_FALSE(load_secret(::testing::TempDir()));
}

}  // namespace
}  // namespace everfold::auth
