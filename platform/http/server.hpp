// An HTTP/1.1 server on Pistache's reactor, with framing of its own (docs/decisions/0003-own-http-framing.md). Requests are
// framed and checked before a handler sees them, so that whatever comes over the wire is answered in our error body
// (errors.hpp) and never with an exception's text.
//
// Threads: handlers run on the I/O threads and must not block; a Responder may be moved to any thread and answered there.
// Connections are kept alive as HTTP/1.1 says; pipelined requests are answered in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold::http {

enum class Method { get, head, post, put, patch, del, options };

struct Request {
  Method method = Method::get;
  std::string target;                                        // as received: "/api/orders/o%201?page=2"
  std::string path;                                          // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // percent-decoded, in order, duplicates kept
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::vector<std::pair<std::string, std::string>> params;   // of the route's pattern, decoded: {"id", "…"}
  std::string body;
  std::string correlation_id;  // X-Correlation-ID, or made here
  std::string trace_id;        // the 32 hex digits of traceparent, or made here
  std::string traceparent;     // as received, or empty

  std::string_view header(std::string_view lower_case_name) const;  // first value, "" when absent
  const std::string& param(std::string_view name) const;            // the program ends when the pattern has no such name
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // JSON unless headers name another Content-Type
};

// Answers one request, once. Letting go of it unanswered answers 503, so that no client waits for ever.
// Every answer gets X-Correlation-ID, Date, Content-Length and Connection (a handler's own are dropped); HEAD, 204 and 304
// lose their body. A header with a line break or another control character ends the program: it is a bug.
class Responder {
 public:
  class Exchange;
  explicit Responder(std::shared_ptr<Exchange> exchange);
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();
  void send(Response response);
  void reject(const Rejection& rejection);  // error_response(rejection, trace id)

 private:
  std::shared_ptr<Exchange> exchange_;
};

using Handler = std::function<void(Request&&, Responder)>;
using SyncHandler = std::function<Response(Request&&)>;

// Exact segments win over {parameters}. HEAD is served by the GET route. Unknown path: 404; known path, other method: 405 with Allow.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  // A body of another media type is 415. Not `counted` among max_requests: for callers who bound themselves, and whose requests others
  // have taken already.
  void add(Method method, std::string_view pattern, Handler handler, std::string_view media_type = "application/json",
           bool counted = true);
  void add_sync(Method method, std::string_view pattern, SyncHandler handler);
  // Another program behind the same gateway serves this: here it is 405, not 404. To be said after what is served here, of which it
  // changes nothing.
  void elsewhere(std::string_view method, std::string_view pattern);
  std::vector<std::pair<Method, std::string>> routes() const;  // their patterns, as they were added
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one, see Server::port()
  int threads = 2;
  std::size_t max_body_bytes = 1 << 20;    // 413 above
  std::size_t max_header_bytes = 16 << 10;  // 431 above
  int max_connections = 4096;               // 503 and close above
  // Being answered at one time, shared evenly by the threads: 503 above, at once, and the connection stays. What is
  // answered while it is asked (add_sync: is it alive?) is not counted.
  int max_requests = 2048;
  std::chrono::milliseconds request_timeout_ms{10'000};  // first byte to last byte of a request; 408 and close after
  std::chrono::milliseconds idle_timeout_ms{75'000};
  // Told what a handler threw (its caller gets a 500 that says nothing) and what the network layer could not do; called
  // from the I/O threads. Standard error when empty.
  std::function<void(std::string_view)> on_error;
};

class Server {
 public:
  Server(ServerOptions options, Router router);
  ~Server();
  void start();                                       // throws std::runtime_error when the port is taken
  uint16_t port() const;
  uint64_t requests_refused() const;                  // for too many others, since the start
  void stop(std::chrono::milliseconds drain_ms);      // no new connections; waits for what is being answered, then closes
  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace everfold::http
