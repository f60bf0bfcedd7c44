#include "query-api/views.hpp"

#include <iterator>
#include <sstream>

#include "platform/rocksdb/view_store.hpp"
#include "projections/carts/carts.hpp"
#include "projections/catalog/products.hpp"
#include "projections/checkout/checkouts.hpp"
#include "projections/history/history.hpp"
#include "projections/inventory/stock.hpp"
#include "projections/orders/orders.hpp"
#include "projections/payments/payments.hpp"

namespace everfold::query {
namespace {

// Contexts and processes: the history view folds them all.
std::vector<std::string> all_contexts() {
  std::istringstream names(EVERFOLD_ALL_CONTEXTS);
  return {std::istream_iterator<std::string>(names), {}};
}

template <class... Views>
struct Opening {
  const std::string& views_directory;
  const std::string& scratch_directory;
  const RocksMemory& memory;

  std::vector<FollowedView> all() const { return {one<Views>({std::string(Views::context)})..., history()}; }

 private:
  FollowedView history() const { return one<history::History>(all_contexts()); }

  template <class View>
  FollowedView one(std::vector<std::string> contexts) const {
    const std::string name(View::name);
    const auto reader =
        std::make_shared<RocksViewReader>(views_directory, name, scratch_directory + '/' + name, memory);
    return {name, std::move(contexts), reader, [reader] { return reader->catch_up(); },
            [reader] { return reader->problem(); }};
  }
};

}  // namespace

std::vector<FollowedView> followed_views(const std::string& views_directory, const std::string& scratch_directory,
                                         const RocksMemory& memory) {
  return Opening<catalog::Products, inventory::Stock, carts::Carts, orders::Orders, payments::Payments, checkout::Checkouts>{
      views_directory, scratch_directory, memory}
      .all();
}

}  // namespace everfold::query
