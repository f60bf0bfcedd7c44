// Every route of everfold-query but /healthz, /readyz and /metrics.
#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

void add_routes(http::Router& router, ReadRoutes& routes);

}  // namespace everfold::query
