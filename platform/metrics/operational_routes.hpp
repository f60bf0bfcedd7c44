// What operators and Prometheus ask of every program.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "platform/http/server.hpp"

namespace everfold::metrics {

// Why the program is not ready to serve; nothing: it is. Called from I/O threads, must not block.
using NotReady = std::function<std::optional<std::string>()>;

// GET /healthz: 200 while the process answers. GET /readyz: 200 {"ready": true}, or 503 with the reason as the error's
// message. GET /metrics: render().
void add_operational_routes(http::Router& router, NotReady not_ready);

}  // namespace everfold::metrics
