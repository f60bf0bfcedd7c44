#include "tests/http/live_server.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "kernel/check.hpp"
#include "tests/http/raw_client.hpp"

namespace everfold::http::test {
namespace {

Response described(const Request& request) {
  nlohmann::json body{{"path", request.path},
                      {"body", request.body},
                      {"correlationId", request.correlation_id},
                      {"traceId", request.trace_id},
                      {"traceparent", request.traceparent}};
  for (const auto& [name, value] : request.params) body["params"][name] = value;
  for (const auto& [name, value] : request.query) body["query"].push_back({name, value});
  return {200, {}, body.dump()};
}

}  // namespace

LateAnswers::LateAnswers() : thread_([this] { run(); }) {}

LateAnswers::~LateAnswers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LateAnswers::add(std::chrono::milliseconds after, Responder responder, Response response) {
  std::lock_guard lock(mutex_);
  due_.emplace(std::chrono::steady_clock::now() + after, std::pair(std::move(responder), std::move(response)));
  changed_.notify_one();
}

void LateAnswers::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (due_.empty()) {
      changed_.wait(lock);
    } else if (const auto at = due_.begin()->first; at > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, at);
    } else {
      auto [responder, response] = std::move(due_.extract(due_.begin()).mapped());
      lock.unlock();
      responder.send(std::move(response));
      lock.lock();
    }
  }
}

LiveServer::LiveServer(ServerOptions options) {
  options.on_error = [this](std::string_view what) {
    std::lock_guard lock(mutex_);
    errors_.emplace_back(what);
  };
  server_ = std::make_unique<Server>(std::move(options), routes());
  server_->start();
}

LiveServer::~LiveServer() { server_.reset(); }

Router LiveServer::routes() {
  Router router;
  router.add_sync(Method::get, "/hello", [](Request&&) { return Response{200, {}, R"({"hello":"world"})"}; });
  router.add_sync(Method::get, "/items/{id}", [](Request&& request) { return described(request); });
  router.add_sync(Method::del, "/items/{id}", [](Request&&) { return Response{204, {}, ""}; });
  router.add_sync(Method::get, "/unchanged", [](Request&&) { return Response{304, {{"ETag", "\"1\""}}, "{}"}; });
  for (auto method : {Method::post, Method::put, Method::patch}) {
    router.add_sync(method, "/echo", [](Request&& request) { return Response{200, {}, std::move(request.body)}; });
  }
  router.add(Method::get, "/uncounted", [](Request&& request, Responder responder) { responder.send(described(request)); },
             "application/json", /*counted=*/false);
  router.add(Method::get, "/late/{ms}", [this](Request&& request, Responder responder) {
    late_.add(std::chrono::milliseconds(std::stoi(request.param("ms"))), std::move(responder), described(request));
  });
  router.add(Method::get, "/held/{name}", [this](Request&& request, Responder responder) {
    std::lock_guard lock(mutex_);
    held_.emplace(request.param("name"), std::move(responder));
  });
  router.add_sync(Method::get, "/large", [this](Request&&) {
    ++large_answers_;
    return Response{200, {}, std::string(4 << 20, ' ')};
  });
  router.add(Method::get, "/given-up", [](Request&&, Responder responder) { Responder let_go(std::move(responder)); });
  router.add_sync(Method::get, "/throws",
                  [](Request&&) -> Response { throw std::runtime_error("the secret of the house"); });
  router.add(Method::get, "/throws-holding", [this](Request&&, Responder responder) {
    {
      std::lock_guard lock(mutex_);
      held_.emplace("thrown", std::move(responder));
    }
    throw std::runtime_error("after handing the request on");
  });
  return router;
}

bool LiveServer::wait_for_held(const std::string& name) {
  return eventually([&] {
    std::lock_guard lock(mutex_);
    return held_.contains(name);
  });
}

void LiveServer::answer_held(const std::string& name, Response response) {
  std::unique_lock lock(mutex_);
  auto held = held_.extract(name);
  lock.unlock();
  check(!held.empty(), "no request of that name is held");
  held.mapped().send(std::move(response));
}

std::vector<std::string> LiveServer::errors() const {
  std::lock_guard lock(mutex_);
  return errors_;
}

}  // namespace everfold::http::test
