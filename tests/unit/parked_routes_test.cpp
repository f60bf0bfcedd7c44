// What operators ask about parked records by HTTP, on a parking in memory.
#include "platform/parked/parked_routes.hpp"

#include "tests/ask_router.hpp"
#include "tests/tokens.hpp"
#include "tests/unit/group_fakes.hpp"

namespace everfold::parked {
namespace {

const std::string secret(64, 'a');
const LogId orders0{"orders", 0};

class ParkedRoutes : public ::testing::Test {
 protected:
  ParkedRoutes() {
    add_routes(router_, tokens_, {&parking()});
    parking().assigned(orders0);
    steps();
  }
  Parking& parking() { return parts_.parking; }
  void steps() {
    for (int i = 0; i < 5; ++i) parking().step(0);
  }
  void park(int64_t offset, const std::string& aggregate) {
    Parked parked;
    parked.at = {orders0, offset};
    parked.aggregate_id = aggregate;
    const Rejection why = reject(Code::internal, "why");
    parking().park(std::move(parked), &why);
  }
  http::Request request(http::Method method, const std::string& path, std::string body = "") const {
    const std::string token = testing::signed_token(
        R"({"alg":"HS256","typ":"JWT"})",
        R"({"sub":"admin-1","iss":"ecommerce-auth","aud":"ecommerce-services","iat":0,"exp":99999999999,"roles":["admin"]})",
        secret);
    http::Request request;
    request.method = method;
    request.target = "/admin/parked" + path;
    request.headers = {{"authorization", "Bearer " + token}};
    request.body = std::move(body);
    return request;
  }
  // The answer comes with the consumer's next step.
  http::Response shown(const std::string& record) {
    http::Request asked = request(http::Method::get, "/consumer/" + record);
    auto parsed = http::parse_target(asked.target);
    const auto match = router_.impl().match(asked.method, parsed.value().segments);
    asked.params = match.params;
    const auto mailbox = std::make_shared<http::Mailbox>();
    (*match.handler)(std::move(asked),
                     http::Responder(std::make_shared<http::Responder::Exchange>(mailbox, 1, "trace-1")));
    steps();
    return mailbox->collect().answers.at(0).response;
  }

  Group group_;
  int64_t now_ms_ = 1'000'000;
  ParkingParts parts_{group_, std::make_shared<MemoryLogs>(), now_ms_};
  const auth::TokenVerifier tokens_{secret};
  http::Router router_;
};

TEST_F(ParkedRoutes, AllAreTriedAgainHoweverManyThereAre) {
  for (int64_t offset = 0; offset < 1'500; ++offset) park(offset, "key " + std::to_string(offset));
  steps();
  EXPECT_TRUE(testing::ask(router_, request(http::Method::get, "")).body.ends_with("],\"total\":1500}"));
  const auto answer = testing::ask(router_, request(http::Method::post, "/retry"));
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, R"({"asked":1500})");
  steps();
  EXPECT_TRUE(parking().find({orders0, 1'499})->retry_asked);
}

TEST_F(ParkedRoutes, AReasonIsKeptWholeOrRefused) {
  park(1, "x");
  steps();
  const auto skip = [&](std::size_t length) {
    return testing::ask(router_, request(http::Method::post, "/consumer/orders.0:1/skip",
                                         "{\"reason\":\"" + std::string(length, 'r') + "\"}"));
  };
  EXPECT_EQ(skip(1'001).status, 400);
  steps();
  EXPECT_EQ(parts_.listed().size(), 1u);
}

TEST_F(ParkedRoutes, ARecordThatIsNoMessageOfItsContextIsShownAsItsBytes) {
  group_.logs[orders0] = {
      {"x", "\x2a\x01z", {{"ce_type", "everfold.parking.Parked.v1"}}}};  // it has bytes, JSON has none
  park(0, "x");
  steps();
  const auto answer = shown("orders.0:0");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(R"("hex":"2a017a")"), std::string::npos) << answer.body;
}

}  // namespace
}  // namespace everfold::parked
