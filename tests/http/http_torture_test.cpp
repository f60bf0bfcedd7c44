// Whatever comes over the wire is answered as HTTP/1.1 says and in our error body: one bad thing at a time.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/http/live_server.hpp"
#include "tests/http/raw_client.hpp"

namespace everfold::http::test {
namespace {

class HttpTorture : public testing::Test {
 protected:
  // The answer to bytes on a fresh connection that goes on sending nothing.
  Reply ask(const std::string& bytes) { return RawClient(server_.port()).ask(bytes); }
  Reply get(const std::string& target, const std::string& headers = "") {
    return ask("GET " + target + " HTTP/1.1\r\nHost: shop\r\n" + headers + "\r\n");
  }
  static std::string post(const std::string& headers, const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: shop\r\n" + headers + "\r\n" + body;
  }
  // Refused with our body, and then the connection is closed.
  void expect_refused(const std::string& bytes, int status) {
    RawClient client(server_.port());
    client.send(bytes);
    const auto reply = client.read();
    ASSERT_TRUE(reply) << testing::PrintToString(bytes.substr(0, 300));
    SCOPED_TRACE(testing::PrintToString(bytes.substr(0, 300)));
    expect_error(*reply, status);
    EXPECT_EQ(reply->header("connection"), "close");
    EXPECT_TRUE(client.at_end());
  }

  LiveServer server_;
};

const std::string json_type = "Content-Type: application/json\r\n";

TEST_F(HttpTorture, OddHeadersDoNoHarm) {
  for (const std::string header : {"Cookie: ;;;=,\x80\xff",
                                   "Cookie:",
                                   "Date: yesterday",
                                   "Date:",
                                   "Cache-Control: max-age=x,,=",
                                   "Accept: garbage/;;q=x",
                                   "Accept: text/plain",
                                   "Accept:",
                                   "Accept-Encoding: \"",
                                   "Authorization: ",
                                   "If-Modified-Since: 1",
                                   "Range: bytes=9-1",
                                   "Content-Type: ///",
                                   "User-Agent: \t",
                                   "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
                                   "Expect: miracles",
                                   "Connection: \"",
                                   "Connection: keep-alive, x",
                                   "X-Forwarded-For: ,,,",
                                   "Origin: null",
                                   "TE: trailers",
                                   "Sec-WebSocket-Key: x\r\nUpgrade: websocket\r\nConnection: upgrade",
                                   "Content-Length: 0",
                                   "If-None-Match: *,\"",
                                   "Location: \x01"}) {
    if (header.find('\x01') != std::string::npos) {
      expect_refused("GET /hello HTTP/1.1\r\nHost: shop\r\n" + header + "\r\n\r\n", 400);
      continue;
    }
    const auto reply = get("/hello", header + "\r\n");
    EXPECT_EQ(reply.status, 200) << header;
    EXPECT_EQ(reply.body, R"({"hello":"world"})");
    expect_error(get("/nowhere", header + "\r\n"), 404);
  }
}

TEST_F(HttpTorture, GarbageIsRefusedAtOnce) {
  for (const std::string& garbage :
       {std::string("GARBAGE\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("GET /hello\r\n\r\n"),
        std::string("\x16\x03\x01\x02"), std::string("GET /hello HTTP/2.0\r\nHost: x\r\n\r\n"),
        std::string("GET /hello HTTP/1.2\r\nHost: x\r\n\r\n"), std::string("GET /hello HTPP/1.1\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("G\0T / HTTP/1.1\r\n\r\n", 18),
        std::string(40, 'A'), std::string("{\"a\": 1}"), std::string(" GET / HTTP/1.1\r\n\r\n"),
        std::string("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), std::string("GET hello HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    expect_refused(garbage, 400);
  }
}

TEST_F(HttpTorture, MalformedHeadersAreRefused) {
  for (const std::string header : {"Host : shop", "No colon", ": empty", "Bad\x01Name: x", "Name: a\r\n folded",
                                   "Na me: x", "Name\t: x", "Host: other", "X: \x7f"}) {
    expect_refused("GET /hello HTTP/1.1\r\nHost: shop\r\n" + header + "\r\n\r\n", 400);
  }
  expect_refused(std::string("GET /hello HTTP/1.1\r\nHost: shop\r\nName: a\0b\r\n\r\n", 46), 400);
  for (const std::string hosts :
       {"", "Host: a b\r\n", "Host: a/b\r\n", "Host: user@shop\r\n", "Host: caf\xc3\xa9\r\n"}) {
    expect_refused("GET /hello HTTP/1.1\r\n" + hosts + "\r\n", 400);
  }
}

TEST_F(HttpTorture, BadFramingIsRefused) {
  for (const std::string headers : {"Content-Length: x\r\n",
                                    "Content-Length: -1\r\n",
                                    "Content-Length: +1\r\n",
                                    "Content-Length: 1 1\r\n",
                                    "Content-Length: 0x1\r\n",
                                    "Content-Length:\r\n",
                                    "Content-Length: 1,1\r\n",
                                    "Content-Length: 99999999999999999999\r\n",
                                    "Content-Length: 1\r\nContent-Length: 2\r\n",
                                    "Content-Length: 1\r\nContent-Length: 1\r\n",
                                    "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                                    "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
                                    "Transfer-Encoding: gzip\r\n",
                                    "Transfer-Encoding: gzip, chunked\r\n",
                                    "Transfer-Encoding: chunked, gzip\r\n",
                                    "Transfer-Encoding: xchunked\r\n",
                                    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                    "Transfer-Encoding : chunked\r\n",
                                    "Transfer-Encoding: identity\r\n",
                                    "Transfer-Encoding:\r\n"}) {
    expect_refused(post(json_type + headers, ""), 400);
  }
  const auto chunked = json_type + "Transfer-Encoding: chunked\r\n";
  for (const std::string body : {"x\r\n", "-1\r\n", "2\r\n{}x\r\n", "ffffffffffffffffff\r\n"}) {
    expect_refused(post(chunked, body), 400);
  }
  expect_refused("POST /echo HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

TEST_F(HttpTorture, BadUrlsAreRefused) {
  for (const std::string target : {"/items/%", "/items/%2", "/items/%zz", "/items/%00", "/items/%ff", "/items/%c0%af",
                                   "/hello?x=%00", "/hello?%80=1", "/hello?x=%", "/hello#x"}) {
    expect_refused("GET " + target + " HTTP/1.1\r\nHost: shop\r\n\r\n", 400);
  }
}

TEST_F(HttpTorture, UrlsAreDecoded) {
  const auto item = get("/items/a%2Fb%20%C3%A9?page=2&q=x+y%26&q=z").json();
  EXPECT_EQ(item["params"]["id"], "a/b é");
  EXPECT_EQ(item["path"], "/items/a/b é");
  EXPECT_EQ(item["query"], nlohmann::json::parse(R"([["page", "2"], ["q", "x y&"], ["q", "z"]])"));
  EXPECT_EQ(get("http://shop/items/7").json()["params"]["id"], "7");
}

TEST_F(HttpTorture, MethodsAndPaths) {
  expect_error(get("/nowhere"), 404);
  expect_error(get("/hello/"), 404);
  expect_error(get("//hello"), 404);
  for (const std::string method : {"PUT", "PATCH", "DELETE", "OPTIONS"}) {
    const auto reply = ask(method + " /hello HTTP/1.1\r\nHost: shop\r\n\r\n");
    expect_error(reply, 405);
    EXPECT_EQ(reply.header("allow"), "GET, HEAD") << method;
  }
  for (const std::string method : {"FOO", "TRACE", "CONNECT", "get", "PROPFIND", "M-SEARCH", "GETX"}) {
    expect_refused(method + " /hello HTTP/1.1\r\nHost: shop\r\n\r\n", 405);
  }
}

TEST_F(HttpTorture, HeadIsGetWithoutTheBody) {
  RawClient client(server_.port());
  client.send(
      "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: "
      "x\r\n\r\n");
  const auto found = client.read(RawClient::To::head);
  EXPECT_EQ(found->status, 200);
  EXPECT_EQ(found->header("content-length"), "17");
  EXPECT_EQ(client.read(RawClient::To::head)->status, 404);
  EXPECT_EQ(client.read()->body, R"({"hello":"world"})");
}

TEST_F(HttpTorture, AnswersWithoutABody) {
  RawClient client(server_.port());
  EXPECT_EQ(client.ask("DELETE /items/7 HTTP/1.1\r\nHost: x\r\n\r\n").status, 204);
  EXPECT_EQ(client.ask("GET /unchanged HTTP/1.1\r\nHost: x\r\n\r\n").status, 304);
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").body, R"({"hello":"world"})");
}

TEST_F(HttpTorture, BodiesMustBeJson) {
  for (const std::string type :
       {"", "Content-Type: text/plain\r\n", "Content-Type:\r\n", "Content-Type: application/jsonx\r\n",
        "Content-Type: ; application/json\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    expect_error(ask(post(type + "Content-Length: 2\r\n", "{}")), 415);
  }
  expect_error(ask(post(json_type + "Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}")), 415);
  for (const std::string type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;x"}) {
    EXPECT_EQ(ask(post("Content-Type: " + type + "\r\nContent-Length: 2\r\n", "{}")).body, "{}") << type;
  }
  EXPECT_EQ(ask(post("Content-Type: text/plain\r\nContent-Length: 0\r\n", "")).status, 200);
  EXPECT_EQ(ask(post("", "")).status, 200);
}

TEST_F(HttpTorture, ChunkedBodiesArePutTogether) {
  const auto reply =
      ask(post(json_type + "Transfer-Encoding: Chunked\r\n", "2;a=b\r\n{ \r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{ }");
}

TEST_F(HttpTorture, BodiesHaveALimit) {
  constexpr std::size_t ten_megabytes = 10 << 20;
  expect_refused(post(json_type + "Content-Length: 10485760\r\n", std::string(ten_megabytes, ' ')), 413);
  expect_refused(post(json_type + "Content-Length: 10485760\r\n", ""), 413);
  expect_refused(post(json_type + "Transfer-Encoding: chunked\r\n", "A00000\r\n" + std::string(ten_megabytes, ' ')),
                 413);
  std::string crumbs;  // little body, but endless framing
  for (int i = 0; i < 300'000; ++i) crumbs += "1;" + std::string(60, 'x') + "\r\n \r\n";
  expect_refused(post(json_type + "Transfer-Encoding: chunked\r\n", crumbs), 413);
  const std::string most(1 << 20, ' ');
  EXPECT_EQ(ask(post(json_type + "Content-Length: 1048576\r\n", most)).body, most);
}

TEST_F(HttpTorture, TenMegabytesWhereTheyAreAllowed) {
  ServerOptions options;
  options.max_body_bytes = 16 << 20;
  LiveServer large(options);
  std::string body(10 << 20, ' ');
  for (std::size_t i = 0; i < body.size(); i += 4099) body[i] = static_cast<char>('a' + i % 26);
  EXPECT_EQ(RawClient(large.port()).ask(post(json_type + "Content-Length: 10485760\r\n", body)).body, body);
}

TEST_F(HttpTorture, HeadersHaveALimit) {
  expect_refused("GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431);
  expect_refused("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431);
  std::string many;
  for (int i = 0; i < 2'000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  expect_refused("GET /hello HTTP/1.1\r\nHost: x\r\n" + many + "\r\n", 431);
  expect_refused("GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(200'000, 'x'), 431);
  EXPECT_EQ(get("/hello", "X: " + std::string(15'000, 'x') + "\r\n").status, 200);
}

TEST_F(HttpTorture, ExpectContinueIsAnsweredBeforeTheBody) {
  RawClient client(server_.port());
  client.send(post(json_type + "Expect: 100-Continue\r\nContent-Length: 2\r\n", ""));
  EXPECT_EQ(client.read_raw(25), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.ask("{}").body, "{}");

  RawClient too_large(server_.port());
  too_large.send(post(json_type + "Expect: 100-continue\r\nContent-Length: 99999999\r\n", ""));
  EXPECT_EQ(too_large.read_raw(12), "HTTP/1.1 413");

  RawClient impatient(server_.port());
  impatient.send(post(json_type + "Expect: 100-continue\r\nContent-Length: 2\r\n", "{}"));
  EXPECT_EQ(impatient.read_raw(12), "HTTP/1.1 200");
}

TEST_F(HttpTorture, ConnectionsAreKeptAliveAsHttpSays) {
  const auto stays_open = [&](const std::string& request) {
    RawClient client(server_.port());
    const auto first = client.ask(request);
    EXPECT_EQ(first.status, 200);
    if (first.header("connection") == "close") {
      EXPECT_TRUE(client.at_end());
      return false;
    }
    EXPECT_EQ(first.header("connection"), "keep-alive");
    EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
    return true;
  };
  EXPECT_TRUE(stays_open("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(stays_open("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_TRUE(stays_open("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(stays_open("GET /hello HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(stays_open("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n"));
  EXPECT_FALSE(stays_open("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: x, close\r\n\r\n"));

  RawClient client(server_.port());
  expect_error(client.ask("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
  EXPECT_EQ(client.ask("\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
}

TEST_F(HttpTorture, IdsAreReturned) {
  const auto reply = get("/items/7",
                         "X-Correlation-ID: mine\r\n"
                         "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
  EXPECT_EQ(reply.header("x-correlation-id"), "mine");
  EXPECT_EQ(reply.json()["correlationId"], "mine");
  EXPECT_EQ(reply.json()["traceId"], "0af7651916cd43dd8448eb211c80319c");
  const auto missing = get("/nowhere",
                           "X-Correlation-ID: mine\r\n"
                           "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
  EXPECT_EQ(missing.header("x-correlation-id"), "mine");
  EXPECT_EQ(missing.json()["traceId"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(get("/hello%", "X-Correlation-ID: mine\r\n").header("x-correlation-id"), "mine");
  EXPECT_NE(get("/hello").header("x-correlation-id"), get("/hello").header("x-correlation-id"));
}

TEST_F(HttpTorture, AHandlersExceptionStaysInside) {
  RawClient client(server_.port());
  for (const std::string path : {"/throws", "/throws-holding"}) {
    const auto reply = client.ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.json()["error"], "InternalError");
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  server_.answer_held("thrown", {200, {}, "{}"});  // too late, and dropped
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").body, R"({"hello":"world"})");
  ASSERT_EQ(server_.errors().size(), 2u);
  EXPECT_NE(server_.errors()[0].find("GET /throws threw: the secret of the house"), std::string::npos);
}

TEST_F(HttpTorture, ARequestThatIsGivenUpIsAnswered) {
  const auto reply = get("/given-up");
  expect_error(reply, 503);
  EXPECT_NE(reply.header("retry-after"), "");
}

}  // namespace
}  // namespace everfold::http::test
