// An answer as bytes.
#pragma once

#include <string>
#include <string_view>

#include "platform/http/server.hpp"

namespace everfold::http {

struct ResponseFrame {
  bool head_only = false;  // the answer to HEAD: the length of the body, without the body
  bool keep_alive = true;
  std::string_view correlation_id;
};

void append_response(std::string& out, const Response& response, const ResponseFrame& frame);

inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace everfold::http
