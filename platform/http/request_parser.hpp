// Finds requests in a connection's bytes and refuses what is not one. http_parser does the framing; what it lets pass
// (folded headers, spaces in names, lists of transfer codings) is checked here: two servers that frame the same bytes
// differently are how requests are smuggled.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"
#include "platform/http/server.hpp"

namespace everfold::http {

struct ParsedRequest {
  Request request;
  std::vector<std::string> segments;  // of the path
  bool keep_alive = false;
};

class RequestParser {
 public:
  struct Limits {
    std::size_t header_bytes;
    std::size_t body_bytes;
  };
  enum class State {
    between,  // no byte of the next request yet
    reading,
    complete,  // take() it
    refused,   // the connection can't go on: where the next request begins is not known
  };

  explicit RequestParser(Limits limits);
  ~RequestParser();

  // Takes bytes up to the end of the request; returns how many. Those not taken belong to the next request, or are
  // bytes of an unfinished method: offer them again, together with what follows.
  std::size_t feed(std::string_view bytes);
  State state() const;
  const Rejection& refusal() const;
  // Of a refused request, if it came that far; else made here.
  const Request& partial_request();
  // True once for a request whose client waits for "100 Continue" before it sends the body.
  bool take_expects_continue();
  ParsedRequest take();  // and be ready for the next

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace everfold::http
