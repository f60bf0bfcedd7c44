#include "projections/catalog/products.hpp"

#include "kernel/overloaded.hpp"
#include "projections/timestamp.hpp"

namespace everfold::catalog {
namespace {

void set_details(v1::ProductRow& row, const v1::ProductDetails& details) {
  row.set_name(details.name());
  row.clear_description();
  if (details.has_description()) row.set_description(details.description());
  *row.mutable_price() = details.price();
  row.clear_category();
  if (details.has_category()) row.set_category(details.category());
  row.clear_brand();
  if (details.has_brand()) row.set_brand(details.brand());
  *row.mutable_attributes() = details.attributes();
  row.set_status(details.status());
}

}  // namespace

std::vector<std::string> Products::keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }

std::optional<Products::Row> Products::fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
  if (!row) {
    row.emplace().set_id(meta.aggregate_id);
    set_time(*row->mutable_created_at(), meta.time_ms);
  }
  row->set_version(meta.version);
  set_time(*row->mutable_updated_at(), meta.time_ms);
  std::visit(overloaded{
                 [&](const v1::ProductCreated& e) { row->set_sku(e.sku()), set_details(*row, e.details()); },
                 [&](const v1::ProductUpdated& e) { set_details(*row, e.details()); },
                 [&](const v1::ProductArchived&) { row->set_status(v1::ProductDetails::archived); },
             },
             event);
  return row;
}

}  // namespace everfold::catalog
