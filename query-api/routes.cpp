#include "query-api/routes.hpp"

#include "query-api/carts/routes.hpp"
#include "query-api/catalog/routes.hpp"
#include "query-api/checkout/routes.hpp"
#include "query-api/inventory/routes.hpp"
#include "query-api/openapi/openapi.hpp"
#include "query-api/orders/routes.hpp"
#include "query-api/payments/routes.hpp"
#include "schemas/routes.hpp"

namespace everfold::query {

void add_routes(http::Router& router, ReadRoutes& routes) {
  add_catalog_routes(routes);
  add_inventory_routes(routes);
  add_carts_routes(routes);
  add_orders_routes(routes);
  add_payments_routes(routes);
  add_checkout_routes(routes);
  router.add_sync(http::Method::get, "/openapi.json", [](http::Request&&) {
    return http::Response{200, {}, std::string(openapi_document())};
  });
  for (const auto& [method, pattern] : contract::routes) router.elsewhere(method, pattern);
}

}  // namespace everfold::query
