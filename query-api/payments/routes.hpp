// GET /api/payments, /api/payments/{id}, /api/payments/{id}/history
#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

void add_payments_routes(ReadRoutes& routes);

}  // namespace everfold::query
