// GET /api/carts/{id}, /api/carts/{id}/history
#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

void add_carts_routes(ReadRoutes& routes);

}  // namespace everfold::query
