// GET /api/products, /api/products/{id}, /api/products/{id}/history
#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

void add_catalog_routes(ReadRoutes& routes);

}  // namespace everfold::query
