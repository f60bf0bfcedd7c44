#include "command-side/carts/products.hpp"

#include <utility>

#include "command-side/edge/lookup.hpp"
#include "kernel/ids.hpp"

namespace everfold::carts {

catalog::Catalog::State Products::find(const std::string& sku) {
  using catalog::Catalog;
  const std::string id = product_id(sku);
  Known known = known_.find(id).value_or(Known{});
  const auto news = history_.events(std::string(Catalog::context), id, known.version + 1, edge::all_events);
  if (news.empty()) return std::move(known.state);
  for (const StoredEvent& event : news) {
    known.state = Catalog::evolve(std::move(known.state), edge::read_event<catalog::Event>(event));
    known.version = event.meta.version;
  }
  known_.put(id, known);
  return std::move(known.state);
}

}  // namespace everfold::carts
