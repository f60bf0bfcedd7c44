// An HTTP/1.1 client with one kept-alive connection a host. A client belongs to one thread at a time: give every worker
// its own. Redirects are not followed, and proxies from the environment are not used.
#pragma once

#include <boost/outcome/result.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://, already percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                           // sent (with its length) for every method but GET and HEAD
  std::chrono::milliseconds timeout{15'000};  // for the whole exchange; connecting may take 3 seconds of it at most
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  // The first header of that name, which must be in lower case.
  std::optional<std::string_view> header(std::string_view name) const;
};

// No answer came. The caller's question is whether the server may have acted on the request all the same.
struct TransportError {
  enum class Kind {
    not_sent,   // no connection: nothing was done
    in_doubt,   // timed out, reset, or cut short: it may have been done
    not_valid,  // the request itself can't be sent: a bad URL, or an answer beyond the size that is accepted
  };
  Kind kind = Kind::in_doubt;
  std::string message;
};

using HttpResult = boost::outcome_v2::basic_result<HttpResponse, TransportError, boost::outcome_v2::policy::terminate>;

class HttpClient {
 public:
  // Answers with a body of more than `max_body_bytes` are refused as not_valid.
  explicit HttpClient(std::size_t max_body_bytes = 64 << 20);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  HttpResult send(const HttpRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One path segment or query value: everything but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);

}  // namespace everfold
