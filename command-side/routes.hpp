#pragma once

#include "command-side/edge/edge.hpp"
#include "platform/http/server.hpp"

namespace everfold {

// Every command of every context. `edge` must outlive the server that `router` goes to.
void add_command_routes(http::Router& router, edge::Edge& edge);

}  // namespace everfold
