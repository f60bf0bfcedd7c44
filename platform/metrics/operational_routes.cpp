#include "platform/metrics/operational_routes.hpp"

#include <utility>

#include "kernel/rejection.hpp"
#include "platform/http/errors.hpp"
#include "platform/metrics/metrics.hpp"

namespace everfold::metrics {

void add_operational_routes(http::Router& router, NotReady not_ready) {
  router.add_sync(http::Method::get, "/healthz", [](http::Request&&) {
    return http::Response{200, {}, R"({"alive":true})"};
  });
  router.add_sync(http::Method::get, "/readyz", [not_ready = std::move(not_ready)](http::Request&& request) {
    auto reason = not_ready();
    if (!reason) return http::Response{200, {}, R"({"ready":true})"};
    return http::error_response(reject(Code::unavailable, *std::move(reason)), request.trace_id);
  });
  router.add_sync(http::Method::get, "/metrics", [](http::Request&&) {
    return http::Response{200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, render()};
  });
}

}  // namespace everfold::metrics
