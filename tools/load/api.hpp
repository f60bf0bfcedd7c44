// The HTTP API as one worker meets it: every request is sent until it is answered, for as long as the patience lasts.
#pragma once

#include <boost/outcome/result.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "platform/http_client/client.hpp"
#include "tools/load/metrics.hpp"
#include "tools/load/stop.hpp"
#include "tools/load/tokens.hpp"

namespace everfold::load {

using Json = nlohmann::json;

struct Caller {
  std::string role;  // empty: a guest, without a token
  std::string subject;
  std::string order_token;  // a guest's, once the order is placed
  std::string document;     // X-Correlation-ID: what of the file it is about
};

struct Answer {
  Json body;
  std::string position;  // Everfold-Position
};

// No answer of the kind 2xx.
struct Failure {
  int status = 0;     // 0: none came within the patience, or the load was stopped
  std::string error;  // the error body's name, such as "ProductUnavailable"
  std::string message;
};

template <class T>
using Result = boost::outcome_v2::basic_result<T, Failure, boost::outcome_v2::policy::terminate>;

struct Endpoint {
  std::string url;  // of the gateway, without a '/' at its end
  std::chrono::seconds patience{120};
};

// When the patience with one request is over, the whole load is asked to stop: the shop is gone, and whoever brings it
// back goes on with the same run id.
class Api {
 public:
  Api(const Endpoint& endpoint, Tokens& tokens, Metrics& metrics, Stop& stop)
      : endpoint_(endpoint), tokens_(tokens), metrics_(metrics), stop_(stop), random_(std::random_device{}()) {}

  struct Command {
    Kind kind;
    std::string path;
    Json body;
    std::string key;                 // Idempotency-Key: makes it harmless to send it again
    std::string passing_error = {};  // a refusal of this name may be over soon: it is tried again for some seconds
  };
  Result<Answer> post(const Caller& caller, const Command& command);
  // At least as new as `position`, when that is not empty.
  Result<Answer> get(const Caller& caller, const std::string& path, const std::string& position = {});

  const Stop& stop() const { return stop_; }
  std::chrono::seconds patience() const { return endpoint_.patience; }
  void confirmed(Histogram::Duration since_checkout) { metrics_.confirmed(since_checkout); }

 private:
  using Clock = std::chrono::steady_clock;
  Result<Answer> send(Kind kind, HttpRequest request, const Caller& caller, const std::string& passing_error);
  bool wait_before(unsigned attempt, const HttpResponse* response, Clock::time_point deadline);

  const Endpoint& endpoint_;
  Tokens& tokens_;
  Metrics& metrics_;
  Stop& stop_;
  HttpClient http_;
  std::minstd_rand random_;
};

}  // namespace everfold::load
