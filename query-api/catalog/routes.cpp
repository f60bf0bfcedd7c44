#include "query-api/catalog/routes.hpp"

#include <limits>

#include "projections/catalog/products.hpp"
#include "projections/timestamp.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/http/rows.hpp"

namespace everfold::query {
namespace {

using catalog::Products;
using Row = Products::Row;
using catalog::v1::ProductDetails;

bool readable(const Caller& caller, const Row& row) {
  return row.status() != ProductDetails::draft || caller.is_staff();
}

struct Filter {
  std::optional<std::string> search;  // lower case
  std::optional<std::string> category, brand;
  int64_t min_price = 0, max_price = std::numeric_limits<int64_t>::max();
  std::optional<ProductDetails::Status> status;  // nothing: drafts and active ones

  bool takes(const Row& row) const;
};

bool contains(const std::string& text, const std::string& lower_case_part) {
  return lower_case(text).find(lower_case_part) != std::string::npos;
}

bool Filter::takes(const Row& row) const {
  if (row.status() == ProductDetails::archived || (status && row.status() != *status)) return false;
  if (category && (!row.has_category() || row.category() != *category)) return false;
  if (brand && (!row.has_brand() || row.brand() != *brand)) return false;
  if (row.price().amount() < min_price || row.price().amount() > max_price) return false;
  return !search || contains(row.name(), *search) || contains(row.sku(), *search) ||
         contains(row.description(), *search);
}

Filter filter_of(Parameters& parameters) {
  constexpr std::string_view states[] = {"draft", "active"};
  constexpr auto any = std::numeric_limits<int64_t>::max();
  Filter filter;
  if (const auto search = parameters.text("search")) filter.search = lower_case(*search);
  filter.category = parameters.text("category");
  filter.brand = parameters.text("brand");
  filter.min_price = parameters.integer("minPrice", 0, any).value_or(0);
  filter.max_price = parameters.integer("maxPrice", 0, any).value_or(any);
  if (const auto state = parameters.choice("status", states))
    filter.status = *state == 0 ? ProductDetails::draft : ProductDetails::active;
  return filter;
}

constexpr std::string_view sortable[] = {"name", "price", "createdAt"};

std::string sort_key_of(const Row& row, std::size_t by) {
  if (by == 0) return lower_case(row.name());
  return sort_key(by == 1 ? row.price().amount() : time_ms(row.created_at()));
}

Answer list(const Read& read) {
  Parameters parameters(read.request);
  const auto page = Page::of(parameters);
  const auto order = Order::of(parameters, sortable, {2, true});
  const auto fields = Fields::of(parameters, *Row::descriptor());
  auto filter = filter_of(parameters);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  if (filter.status == ProductDetails::draft)
    if (auto refusal = needs_staff(read.caller)) return *std::move(refusal);
  if (!read.caller.is_staff()) filter.status = ProductDetails::active;
  return list_of<Row>(read.view, page, order, fields, [&](PageOfMatches& matches) {
    read.view.rows({}, {}, [&](std::string_view key, std::string_view bytes) {
      const auto row = parsed_row<Row>(key, bytes);
      if (filter.takes(row)) matches.offer(sort_key_of(row, order.by), key);
      return true;
    });
  });
}

}  // namespace

void add_catalog_routes(ReadRoutes& routes) {
  const RowResource<Products> product{
      .pattern = "/api/products/{id}", .noun = "product", .readable = readable, .history_needs = needs_staff};
  routes.add("/api/products", {std::string(Products::name), ReadStep::Work::scan, list});
  add_row_route(routes, product);
  add_history_route(routes, product);
}

}  // namespace everfold::query
