// One request to a router, without a network: the answer is there when ask() returns, or there is none.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "platform/http/exchange.hpp"
#include "platform/http/router.hpp"
#include "platform/http/target.hpp"

namespace everfold::testing {

inline http::Response ask(const http::Router& router, http::Request request) {
  auto parsed = http::parse_target(request.target);
  EXPECT_TRUE(parsed) << request.target;
  request.path = parsed.value().path;
  request.query = parsed.value().query;
  request.trace_id = "trace-1";
  const auto match = router.impl().match(request.method, parsed.value().segments);
  EXPECT_NE(match.handler, nullptr) << request.target;
  request.params = match.params;
  const auto mailbox = std::make_shared<http::Mailbox>();
  (*match.handler)(std::move(request),
                   http::Responder(std::make_shared<http::Responder::Exchange>(mailbox, 1, "trace-1")));
  auto contents = mailbox->collect();
  EXPECT_EQ(contents.answers.size(), 1u) << "every request is answered once";
  return contents.answers.empty() ? http::Response{} : std::move(contents.answers.front().response);
}

}  // namespace everfold::testing
