#include "tools/load/api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace everfold::load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{50};
constexpr milliseconds longest_pause{5'000};
constexpr std::chrono::seconds passing_error_patience{15};

bool may_be_answered_later(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504 || status == 408;
}

// Whole seconds; the other form of the header, a date, is not used by the API.
milliseconds retry_after(const HttpResponse& response) {
  const auto text = response.header("retry-after").value_or("");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp(milliseconds(seconds * 1000), milliseconds(0), longest_pause);
}

Json parse(const std::string& text) { return Json::parse(text, nullptr, false); }

std::string member(const Json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Failure failure_of(const HttpResponse& response) {
  const Json body = parse(response.body);
  Failure failure{response.status, member(body, "error"), member(body, "message")};
  if (failure.error.empty()) failure.error = "HTTP " + std::to_string(response.status);
  return failure;
}

Failure failure_of(const TransportError& error) {
  const bool sent = error.kind != TransportError::Kind::not_sent;
  return {0, sent ? "ConnectionLost" : "NoConnection", error.message};
}

Failure stopped() { return {0, "Stopped", "the load was stopped"}; }

}  // namespace

Result<Answer> Api::post(const Caller& caller, const Command& command) {
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint_.url + command.path;
  // A description that is no UTF-8 can't be here: the file was converted.
  request.body = command.body.dump();
  request.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", command.key}};
  return send(command.kind, std::move(request), caller, command.passing_error);
}

Result<Answer> Api::get(const Caller& caller, const std::string& path, const std::string& position) {
  HttpRequest request;
  request.url = endpoint_.url + path;
  if (!position.empty()) request.headers.emplace_back("Everfold-Position", position);
  return send(Kind::read, std::move(request), caller, {});
}

Result<Answer> Api::send(Kind kind, HttpRequest request, const Caller& caller, const std::string& passing_error) {
  if (!caller.role.empty()) {
    auto token = tokens_.get(caller.role, caller.subject);
    if (!token) return Failure{0, "NoToken", token.error().message};
    request.headers.emplace_back("Authorization", "Bearer " + token.value());
  }
  if (!caller.document.empty()) request.headers.emplace_back("X-Correlation-ID", caller.document);
  if (!caller.order_token.empty()) request.headers.emplace_back("Everfold-Order-Token", caller.order_token);

  const auto begin = Clock::now();
  for (unsigned attempt = 1;; ++attempt) {
    if (stop_.asked()) return stopped();
    const auto sent = http_.send(request);
    const auto took = std::chrono::duration_cast<Histogram::Duration>(Clock::now() - begin);
    if (sent && sent.value().status >= 200 && sent.value().status < 300) {
      metrics_.answered(kind, took);
      return Answer{parse(sent.value().body), std::string(sent.value().header("everfold-position").value_or(""))};
    }
    auto failure = sent ? failure_of(sent.value()) : failure_of(sent.error());
    const bool passing = !passing_error.empty() && failure.error == passing_error;
    if (sent && !passing && !may_be_answered_later(failure.status)) {
      metrics_.answered(kind, took);
      return failure;
    }
    if (!sent && sent.error().kind == TransportError::Kind::not_valid) return failure;
    metrics_.retried(failure.error);
    const auto patience = passing ? std::min(endpoint_.patience, passing_error_patience) : endpoint_.patience;
    if (wait_before(attempt, sent ? &sent.value() : nullptr, begin + patience)) continue;
    if (stop_.asked()) return stopped();
    if (!passing) stop_.ask(0);
    return failure;
  }
}

// Exponential, with jitter so that the workers don't come back all at once; false: not before the deadline.
bool Api::wait_before(unsigned attempt, const HttpResponse* response, Clock::time_point deadline) {
  const auto ceiling = std::min(first_pause * (1 << std::min(attempt, 7u)), longest_pause);
  std::uniform_int_distribution<std::int64_t> jitter(ceiling.count() / 2, ceiling.count());
  auto pause = milliseconds(jitter(random_));
  if (response != nullptr) pause = std::max(pause, retry_after(*response));
  const auto until = Clock::now() + pause;
  return until < deadline && stop_.sleep_until(until);
}

}  // namespace everfold::load
