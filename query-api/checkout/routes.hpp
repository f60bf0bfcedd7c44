#pragma once

#include "query-api/http/read_routes.hpp"

namespace everfold::query {

// GET /api/checkouts: those that are not over; staff.
void add_checkout_routes(ReadRoutes& routes);

}  // namespace everfold::query
