// The catalogue as carts see it: what a product is called and costs when it goes into a cart.
#pragma once

#include <cstdint>
#include <string>

#include "command-side/catalog/decider.hpp"
#include "kernel/recent.hpp"
#include "runtime/writer/command_bus.hpp"

namespace everfold::carts {

// Thread-safe. Folds a product's history once and from then on only what is new, so that a product that was changed a
// thousand times costs no more than another.
class Products {
 public:
  explicit Products(const History& history) : history_(history) {}

  // As it stands now; an empty SKU in it: there is no such product.
  catalog::Catalog::State find(const std::string& sku);

 private:
  struct Known {
    catalog::Catalog::State state;
    int64_t version = 0;
  };
  static constexpr std::size_t most_known = 20'000;

  const History& history_;
  Recent<Known> known_{most_known / 2};
};

}  // namespace everfold::carts
