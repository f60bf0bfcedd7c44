#pragma once

#include "command-side/edge/edge.hpp"
#include "platform/http/server.hpp"

namespace everfold::catalog {

void add_command_routes(http::Router& router, edge::Edge& edge);

}  // namespace everfold::catalog
