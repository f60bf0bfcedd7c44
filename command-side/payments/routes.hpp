#pragma once

#include "command-side/edge/edge.hpp"
#include "platform/http/server.hpp"

namespace everfold::payments {

void add_command_routes(http::Router& router, edge::Edge& edge);

}  // namespace everfold::payments
