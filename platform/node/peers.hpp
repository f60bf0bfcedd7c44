// Commands between nodes, over HTTP: POST /internal/commands takes a ForwardedCommand and answers a ForwardedOutcome
// (schemas/node/v1/forward.proto). Both sides know the installation's secret; the gateway does not lead there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/http/server.hpp"
#include "runtime/writer/forwarder.hpp"

namespace everfold::node {

// `token`: TokenVerifier::make_node_token().
std::unique_ptr<Peers> make_http_peers(std::string token);

struct ForwardingRoute {
  std::function<bool(std::string_view token)> is_node;
  std::function<int64_t()> now_ms;
  std::function<void(QueuedCommand)> submit;
};
void add_forwarding_route(http::Router& router, ForwardingRoute route);

}  // namespace everfold::node
