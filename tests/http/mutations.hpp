// Valid requests, and seeded random damage to them.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace everfold::http::test {

inline const std::vector<std::string>& valid_requests() {
  static const std::vector<std::string> requests{
      "GET /hello HTTP/1.1\r\nHost: shop\r\n\r\n",
      "GET /items/o%201?page=2&sort=name+desc HTTP/1.1\r\nHost: shop:8080\r\nX-Correlation-ID: abc\r\n\r\n",
      "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "DELETE /items/7 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
      "POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json; charset=utf-8\r\n"
      "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\nTrailer: t\r\n\r\n",
      "PUT /echo HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n"
      "Content-Length: 2\r\n\r\n{}",
      "GET /hello HTTP/1.1\r\nHost: shop\r\nCookie: a=b; c=d\r\nAccept: */*\r\nDate: Sat, 21 Nov 2026 15:48:31 GMT\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
      "GET /hello HTTP/1.1\r\nHost: shop\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: shop\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n",
      "GET http://shop/hello HTTP/1.1\r\nHost: shop\r\n\r\n",
  };
  return requests;
}

inline std::string mutated(std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  auto text = valid_requests()[below(valid_requests().size())];
  for (auto times = 1 + below(4); times > 0; --times) {
    const auto at = below(text.size() + 1);
    switch (below(7)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 2:
        text.erase(at, 1 + below(8));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size() + 1), below(40)));
        break;
      case 4:
        text.resize(at);
        break;
      case 5:
        text.insert(at, below(10) == 0 ? std::string(below(30'000), 'x') : std::string("\r\n"));
        break;
      default:
        std::rotate(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), text.end());
    }
  }
  return text;
}

}  // namespace everfold::http::test
