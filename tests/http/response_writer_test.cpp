#include "platform/http/response_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace everfold::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string written(const Response& response, ResponseFrame frame = {false, true, "c"}) {
  std::string out;
  append_response(out, response, frame);
  return out;
}

TEST(ResponseWriter, FramesTheBody) {
  const auto text = written({201, {{"Location", "/orders/7"}}, "{}"});
  EXPECT_THAT(text, StartsWith("HTTP/1.1 201 Created\r\nLocation: /orders/7\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-Correlation-ID: c\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Length: 2\r\n"));
  EXPECT_THAT(text, EndsWith("Connection: keep-alive\r\n\r\n{}"));
}

TEST(ResponseWriter, HeadHasTheLengthWithoutTheBody) {
  const auto text = written({200, {}, "{}"}, {true, false, "c"});
  EXPECT_THAT(text, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(text, EndsWith("Connection: close\r\n\r\n"));
}

TEST(ResponseWriter, SomeAnswersHaveNoBody) {
  for (int status : {204, 304}) {
    const auto text = written({status, {}, "{}"});
    EXPECT_THAT(text, EndsWith("\r\n\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("Content-Length")));
  }
}

TEST(ResponseWriter, AHandlersOwnFramingIsDropped) {
  const auto text =
      written({200, {{"content-length", "9"}, {"Connection", "close"}, {"Transfer-Encoding", "chunked"}}, "{}"});
  EXPECT_THAT(text, HasSubstr("Content-Length: 2\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("content-length: 9")));
  EXPECT_THAT(text, Not(HasSubstr("chunked")));
  EXPECT_THAT(text, Not(HasSubstr("close")));
}

TEST(ResponseWriter, AHandlersContentTypeStays) {
  const auto text = written({200, {{"content-type", "text/plain"}}, "x"});
  EXPECT_THAT(text, HasSubstr("content-type: text/plain\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("application/json")));
}

TEST(ResponseWriter, AForgedHeaderEndsTheProgram) {
  EXPECT_DEATH(written({200, {{"ETag", "\"1\"\r\nSet-Cookie: a=b"}}, ""}), "forge");
  EXPECT_DEATH(written({200, {{"ETag", "\"1\"\nX"}}, ""}), "forge");
  EXPECT_DEATH(written({200, {{"ETag", std::string("a\0b", 3)}}, ""}), "forge");
  EXPECT_DEATH(written({200, {{"E Tag", "1"}}, ""}), "forge");
  EXPECT_DEATH(written({200, {{"", "1"}}, ""}), "forge");
}

}  // namespace
}  // namespace everfold::http
