#include "command-side/contexts.hpp"

#include "command-side/carts/decider.hpp"
#include "command-side/catalog/decider.hpp"
#include "command-side/inventory/decider.hpp"
#include "command-side/orders/decider.hpp"
#include "command-side/payments/decider.hpp"

namespace everfold {

std::vector<std::unique_ptr<HostedContext>> command_contexts() {
  std::vector<std::unique_ptr<HostedContext>> contexts;
  contexts.push_back(host<catalog::Catalog>());
  contexts.push_back(host<inventory::Inventory>());
  contexts.push_back(host<carts::Carts>());
  contexts.push_back(host<orders::Orders>());
  contexts.push_back(host<payments::Payments>());
  return contexts;
}

}  // namespace everfold
