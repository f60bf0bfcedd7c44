// GET /api/inventory, /api/inventory/{sku}, /api/inventory/{sku}/log
#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

void add_inventory_routes(ReadRoutes& routes);

}  // namespace everfold::query
