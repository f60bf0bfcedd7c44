#include "platform/http/errors.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace everfold::http {
namespace {

TEST(ErrorBody, IsThatOfTheContract) {
  const auto response = error_response(reject_field("lines[0].quantity", "must be 1 or more"), "abc");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(nlohmann::json::parse(response.body),
            nlohmann::json::parse(R"({"error": "ValidationError", "message": "lines[0].quantity must be 1 or more",
              "details": [{"field": "lines[0].quantity", "message": "must be 1 or more"}], "traceId": "abc"})"));
}

TEST(ErrorBody, ListsEachDetail) {
  auto rejection = reject(Code::validation_failed, "two things");
  rejection.details = {{"a}", "1"}, {"b", "2"}};
  EXPECT_EQ(nlohmann::json::parse(error_response(rejection, "t").body)["details"].size(), 2u);
}

TEST(ErrorBody, IsJsonWhateverTheMessageHolds) {
  std::string every_byte;
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  const auto parsed = nlohmann::json::parse(error_response(reject(Code::malformed, every_byte + "é\"\\\n"), "t").body);
  EXPECT_TRUE(parsed["message"].get<std::string>().ends_with("é\"\\\n"));
}

TEST(ErrorStatus, FollowsTheCode) {
  EXPECT_EQ(http_error(Code::version_mismatch).status, 412);
  EXPECT_EQ(http_error(Code::idempotency_key_reused).status, 422);
  EXPECT_EQ(http_error(Code::insufficient_stock).status, 409);
  EXPECT_EQ(http_error(Code::insufficient_stock).name, "InsufficientStock");
  EXPECT_EQ(http_error(Code::request_timeout).status, 408);
  EXPECT_EQ(http_error(Code::headers_too_large).status, 431);
}

TEST(ErrorHeaders, SayWhatToDoNext) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  for (const Code code : {Code::unavailable, Code::too_many_requests}) {
    std::set<Headers> seen;
    for (int i = 0; i < 100; ++i) seen.insert(error_response(reject(code, ""), std::to_string(i)).headers);
    EXPECT_EQ(seen, (std::set<Headers>{{{"Retry-After", "1"}}, {{"Retry-After", "2"}}, {{"Retry-After", "3"}}}));
  }
  EXPECT_EQ(error_response(reject(Code::unauthenticated, ""), "t").headers, (Headers{{"WWW-Authenticate", "Bearer"}}));
  EXPECT_TRUE(error_response(reject(Code::not_found, ""), "t").headers.empty());
}

}  // namespace
}  // namespace everfold::http
