// One product of the catalogue. Its id is derived from its SKU, so two products can't have one SKU.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "schemas/catalog/events.hpp"
#include "schemas/catalog/v1/commands.pb.h"

namespace everfold::catalog {

struct Catalog {
  static constexpr std::string_view context = "catalog";

  struct State {
    std::string sku;  // empty: there is no such product
    v1::ProductDetails details;
  };
  using Command = std::variant<v1::CreateProduct, v1::UpdateProduct, v1::ArchiveProduct>;
  using Event = catalog::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command);
  static State evolve(State state, const Event& event);
};
static_assert(Decider<Catalog>);

}  // namespace everfold::catalog
