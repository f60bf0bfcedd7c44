#include "command-side/routes.hpp"

#include "command-side/carts/routes.hpp"
#include "command-side/catalog/routes.hpp"
#include "command-side/inventory/routes.hpp"
#include "command-side/orders/routes.hpp"
#include "command-side/payments/routes.hpp"
#include "schemas/routes.hpp"

namespace everfold {

void add_command_routes(http::Router& router, edge::Edge& edge) {
  catalog::add_command_routes(router, edge);
  inventory::add_command_routes(router, edge);
  carts::add_command_routes(router, edge);
  orders::add_command_routes(router, edge);
  payments::add_command_routes(router, edge);
  for (const auto& [method, pattern] : contract::routes) router.elsewhere(method, pattern);
}

}  // namespace everfold
