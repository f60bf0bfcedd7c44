// GET /api/orders, /api/orders/{id}, /api/orders/{id}/history
#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

void add_orders_routes(ReadRoutes& routes);

}  // namespace everfold::query
