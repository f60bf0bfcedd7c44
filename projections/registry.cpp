#include "projections/registry.hpp"

#include "projections/carts/carts.hpp"
#include "projections/catalog/products.hpp"
#include "projections/checkout/checkouts.hpp"
#include "projections/history/history.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"
#include "runtime/folded_view.hpp"

namespace everfold::projections {

std::vector<std::unique_ptr<View>> make_views() {
  std::vector<std::unique_ptr<View>> views;
  views.push_back(std::make_unique<FoldedView<catalog::Products>>());
  views.push_back(std::make_unique<FoldedView<inventory::Stock>>());
  views.push_back(std::make_unique<FoldedView<carts::Carts>>());
  views.push_back(std::make_unique<FoldedView<orders::Orders>>());
  views.push_back(std::make_unique<FoldedView<payments::Payments>>());
  views.push_back(std::make_unique<FoldedView<checkout::Checkouts>>());
  views.push_back(std::make_unique<FoldedView<history::History>>());
  return views;
}

}  // namespace everfold::projections
