#include "platform/http/request_parser.hpp"

#include <gtest/gtest.h>

#include <tuple>

#include "tests/http/mutations.hpp"

namespace everfold::http {
namespace {

using State = RequestParser::State;
constexpr RequestParser::Limits limits{16 << 10, 1 << 20};

// What a connection makes of bytes that come in pieces.
struct Read {
  std::vector<std::tuple<std::string, std::string, std::string, bool>> requests;  // target, headers, body, keep-alive
  State last = State::between;
  Code refused_with{};
  bool operator==(const Read&) const = default;
};

Read read_in_pieces(const std::string& bytes, std::size_t piece_size) {
  RequestParser parser(limits);
  Read read;
  std::string waiting;
  for (std::size_t at = 0; at < bytes.size() && read.last != State::refused; at += piece_size) {
    waiting += bytes.substr(at, piece_size);
    for (;;) {
      waiting.erase(0, parser.feed(waiting));
      read.last = parser.state();
      if (read.last != State::complete) break;
      const auto parsed = parser.take();
      std::string headers;
      for (const auto& [name, value] : parsed.request.headers) headers += name + "=" + value + "\n";
      read.requests.emplace_back(parsed.request.target, headers, parsed.request.body, parsed.keep_alive);
    }
  }
  if (read.last == State::refused) read.refused_with = parser.refusal().code;
  return read;
}

TEST(RequestParser, ReadsTheSameHoweverTheBytesAreCut) {
  std::mt19937 random(20261121);
  auto inputs = test::valid_requests();
  for (int i = 0; i < 5'000; ++i) inputs.push_back(test::mutated(random));
  for (const auto& input : inputs) {
    const auto whole = read_in_pieces(input, input.size() + 1);
    EXPECT_EQ(whole, read_in_pieces(input, 1)) << testing::PrintToString(input);
    EXPECT_EQ(whole, read_in_pieces(input, 7)) << testing::PrintToString(input);
    if (HasFailure()) break;
  }
}

TEST(RequestParser, ReadsEveryValidRequest) {
  for (const auto& input : test::valid_requests()) {
    if (input.starts_with("OPTIONS *")) continue;
    const auto read = read_in_pieces(input, input.size());
    EXPECT_EQ(read.last, State::between) << input;
    EXPECT_FALSE(read.requests.empty()) << input;
  }
}

TEST(RequestParser, TakesTheTraceOverOrMakesOne) {
  const auto trace_of = [](const std::string& traceparent) {
    RequestParser parser(limits);
    parser.feed("GET / HTTP/1.1\r\nHost: x\r\nTraceparent: " + traceparent + "\r\n\r\n");
    return parser.take().request;
  };
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  for (const auto& good : {"00-" + id + "-b7ad6b7169203331-01", "cc-" + id + "-b7ad6b7169203331-01-more"}) {
    EXPECT_EQ(trace_of(good).trace_id, id);
    EXPECT_EQ(trace_of(good).traceparent, good);
  }
  for (const auto& bad :
       {std::string(), "00-" + id, "ff-" + id + "-b7ad6b7169203331-01", "00-" + id + "-b7ad6b7169203331-01-x",
        "00-" + std::string(32, '0') + "-b7ad6b7169203331-01", "00-" + id + "-0000000000000000-01",
        std::string("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"), "00-" + id + "-b7ad6b716920333x-01"}) {
    EXPECT_NE(trace_of(bad).trace_id, id);
    EXPECT_EQ(trace_of(bad).trace_id.size(), 32u);
    EXPECT_EQ(trace_of(bad).traceparent, "");
  }
}

TEST(RequestParser, TakesUsableCorrelationIdsOver) {
  const auto correlation_of = [](const std::string& id) {
    RequestParser parser(limits);
    parser.feed("GET / HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: " + id + "\r\n\r\n");
    return parser.take().request.correlation_id;
  };
  EXPECT_EQ(correlation_of("abc-1"), "abc-1");
  EXPECT_EQ(correlation_of(std::string(128, 'x')), std::string(128, 'x'));
  for (const auto& bad : {std::string(), std::string(129, 'x'), std::string("a b"), std::string("caf\xc3\xa9")}) {
    EXPECT_EQ(correlation_of(bad).size(), 36u);
  }
}

}  // namespace
}  // namespace everfold::http
