// GET /api/products: one row a product, by its id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/catalog/events.hpp"
#include "schemas/catalog/v1/views.pb.h"

namespace everfold::catalog {

struct Products {
  static constexpr std::string_view name = "products";
  static constexpr std::string_view context = "catalog";
  static constexpr int version = 1;
  using Row = v1::ProductRow;
  using Event = catalog::Event;

  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
};
static_assert(Projection<Products>);

}  // namespace everfold::catalog
