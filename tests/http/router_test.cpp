#include "platform/http/router.hpp"

#include <gtest/gtest.h>

namespace everfold::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const char* pattern : {"/", "/orders", "/orders/{id}", "/orders/summary", "/orders/{id}/history",
                                "/carts/{cart}/items/{sku}", "/files/special/{name}"}) {
      add(Method::get, pattern);
    }
    add(Method::post, "/orders");
    add(Method::del, "/orders/{order}");
    add(Method::get, "/files/{folder}/index");
  }
  void add(Method method, const char* pattern) {
    router_.add(method, pattern, [this, pattern](Request&&, Responder) { called_ = pattern; });
  }
  // The pattern of the route that serves, or "".
  std::string served(Method method, std::vector<std::string> segments) {
    match_ = router_.match(method, segments);
    if (!match_.handler) return "";
    (*match_.handler)(Request{}, Responder(nullptr));
    return called_;
  }

  Router::Impl router_;
  Router::Impl::Match match_;
  std::string called_;
};

TEST_F(RouterTest, ExactSegmentsWinOverParameters) {
  EXPECT_EQ(served(Method::get, {"orders", "summary"}), "/orders/summary");
  EXPECT_EQ(served(Method::get, {"orders", "7"}), "/orders/{id}");
  EXPECT_EQ(match_.params, (Pairs{{"id", "7"}}));
}

TEST_F(RouterTest, AParameterTakesOverWhereTheExactSegmentLeadsNowhere) {
  EXPECT_EQ(served(Method::get, {"files", "special", "index"}), "/files/special/{name}");
  EXPECT_EQ(served(Method::del, {"orders", "summary"}), "/orders/{order}");
  EXPECT_EQ(match_.params, (Pairs{{"order", "summary"}}));
  EXPECT_EQ(served(Method::get, {"orders", "summary", "history"}), "/orders/{id}/history");
}

TEST_F(RouterTest, ParametersHoldWhateverTheSegmentHolds) {
  EXPECT_EQ(served(Method::get, {"carts", "a/b", "items", "x y"}), "/carts/{cart}/items/{sku}");
  EXPECT_EQ(match_.params, (Pairs{{"cart", "a/b"}, {"sku", "x y"}}));
}

TEST_F(RouterTest, UnknownPathsAreNotFound) {
  for (std::vector<std::string> path : {std::vector<std::string>{"nowhere"},
                                        {"orders", ""},
                                        {"orders", "7", ""},
                                        {"orders", "7", "history", "x"},
                                        {"ORDERS"},
                                        {"carts", "", "items", "x"}}) {
    EXPECT_EQ(served(Method::get, path), "");
    EXPECT_TRUE(match_.allowed.empty());
  }
}

TEST_F(RouterTest, KnownPathsSayWhatTheyAllow) {
  EXPECT_EQ(served(Method::put, {"orders"}), "");
  EXPECT_EQ(allow_header(match_.allowed), "GET, HEAD, POST");
  EXPECT_EQ(served(Method::put, {"orders", "summary"}), "");
  EXPECT_EQ(allow_header(match_.allowed), "GET, HEAD, DELETE");
}

TEST_F(RouterTest, WhatAnotherProgramServesIsAllowedButNotServedHere) {
  router_.route_at(Method::get, "/payments/{id}");
  router_.route_at(Method::get, "/orders");  // served here all the same
  EXPECT_EQ(served(Method::del, {"payments", "7"}), "");
  EXPECT_EQ(allow_header(match_.allowed), "GET, HEAD");
  EXPECT_EQ(served(Method::head, {"payments", "7"}), "");
  EXPECT_EQ(served(Method::get, {"orders"}), "/orders");
}

TEST_F(RouterTest, HeadIsServedByGet) {
  EXPECT_EQ(served(Method::head, {"orders", "7"}), "/orders/{id}");
  EXPECT_EQ(served(Method::head, {""}), "/");
}

TEST_F(RouterTest, TheSameRouteTwiceEndsTheProgram) {
  EXPECT_DEATH(add(Method::get, "/orders/{other}"), "added twice");
}

TEST(RequestTest, AnUnknownParameterEndsTheProgram) {
  Request request;
  request.params = {{"id", "7"}};
  EXPECT_EQ(request.param("id"), "7");
  EXPECT_DEATH(request.param("sku"), "no such parameter");
}

}  // namespace
}  // namespace everfold::http
