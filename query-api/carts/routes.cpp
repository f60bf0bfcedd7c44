#include "query-api/carts/routes.hpp"

#include "projections/carts/carts.hpp"
#include "query-api/http/rows.hpp"

namespace everfold::query {
namespace {

// A guest's cart belongs to whoever knows its id.
bool readable(const Caller& caller, const carts::v1::CartRow& row) {
  return !row.has_customer_id() || caller.is_customer(row.customer_id()) || caller.is_staff();
}

}  // namespace

void add_carts_routes(ReadRoutes& routes) {
  const RowResource<carts::Carts> cart{.pattern = "/api/carts/{id}", .noun = "cart", .readable = readable};
  add_row_route(routes, cart);
  add_history_route(routes, cart);
}

}  // namespace everfold::query
