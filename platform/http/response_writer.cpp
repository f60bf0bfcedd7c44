#include "platform/http/response_writer.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "kernel/check.hpp"
#include "platform/http/text.hpp"

namespace everfold::http {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Answer";  // the phrase has no meaning to programs
  }
}

// The server frames and labels each answer itself.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 6> ours{"content-length",   "connection", "transfer-encoding",
                                                 "x-correlation-id", "date",       "keep-alive"};
  return std::ranges::any_of(ours, [&](std::string_view each) { return equals_ignoring_case(each, name); });
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Formatted once a second and thread.
std::string_view date_now() {
  thread_local std::time_t formatted_at = 0;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t length = 0;
  const auto now = std::time(nullptr);
  if (now != formatted_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    formatted_at = now;
  }
  return {text.data(), length};
}

}  // namespace

void append_response(std::string& out, const Response& response, const ResponseFrame& frame) {
  check(response.status >= 200 && response.status <= 599, "an answer's status is not one");
  const bool may_have_body = response.status != 204 && response.status != 304;
  const auto& body = response.body;
  out.reserve(out.size() + 256 + (may_have_body ? body.size() : 0));
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(reason_of(response.status)).append("\r\n");
  bool has_content_type = false;
  for (const auto& [name, value] : response.headers) {
    check(is_token(name) && !has_control_characters(value),
          "an answer's header has characters that would forge another");
    if (is_ours(name)) continue;
    has_content_type = has_content_type || equals_ignoring_case(name, "content-type");
    append_header(out, name, value);
  }
  if (may_have_body && !body.empty() && !has_content_type) append_header(out, "Content-Type", "application/json");
  append_header(out, "X-Correlation-ID", frame.correlation_id);
  append_header(out, "Date", date_now());
  // RFC 9110 8.6: a 204 has none, a 304 may leave it out.
  if (may_have_body) append_header(out, "Content-Length", std::to_string(body.size()));
  append_header(out, "Connection", frame.keep_alive ? "keep-alive" : "close");
  out.append("\r\n");
  if (may_have_body && !frame.head_only) out.append(body);
}

}  // namespace everfold::http
