#include "projections/registry.hpp"

#include "projections/carts/carts.hpp"
#include "projections/catalog/products.hpp"
#include "projections/checkout/checkouts.hpp"
#include "projections/history/history.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"
#include "runtime/views/folded_view.hpp"

namespace everfold::projections {
namespace {

template <class V>
std::unique_ptr<View> make() {
  return std::make_unique<V>();
}

}  // namespace

std::vector<MakeView> view_makers() {
  std::vector<MakeView> views;
  views.emplace_back(make<FoldedView<catalog::Products>>);
  views.emplace_back(make<FoldedView<inventory::Stock>>);
  views.emplace_back(make<FoldedView<carts::Carts>>);
  views.emplace_back(make<FoldedView<orders::Orders>>);
  views.emplace_back(make<FoldedView<payments::Payments>>);
  views.emplace_back(make<FoldedView<checkout::Checkouts>>);
  views.emplace_back(make<FoldedView<history::History>>);
  return views;
}

}  // namespace everfold::projections
