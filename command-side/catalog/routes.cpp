#include "command-side/catalog/routes.hpp"

#include <algorithm>
#include <boost/outcome/try.hpp>
#include <utility>

#include "command-side/catalog/decider.hpp"
#include "command-side/edge/lookup.hpp"
#include "kernel/ids.hpp"
#include "platform/json/object.hpp"

namespace everfold::catalog {
namespace {

using edge::Call;
using edge::Wish;
using Fields = std::vector<std::string>;

const std::string context(Catalog::context);

struct Product {
  std::optional<std::string> sku;  // beside the details in the body
  v1::ProductDetails details;
  Fields fields;  // of the details, that the body gave
};

Decided<Product> product_of(const Call& call) {
  Product product;
  BOOST_OUTCOME_TRY(body, call.body<v1::ProductDetails>({{}, {{"sku", &product.sku}}}));
  product.details = std::move(body.message);
  std::erase(body.fields, "sku");
  product.fields = std::move(body.fields);
  return product;
}

std::string body_of(const std::string& id, const std::string& sku, int64_t version) {
  return json::Object().text("id", id).text("sku", sku).number("version", version).str();
}

Decided<Wish> create(const Call& call) {
  if (auto refusal = call.needs_staff()) return *std::move(refusal);
  BOOST_OUTCOME_TRY(product, product_of(call));
  v1::CreateProduct command;
  command.set_sku(product.sku.value_or(""));
  *command.mutable_details() = std::move(product.details);
  const std::string id = product_id(command.sku());
  return Wish{call.command(context, id, command),
              [id, sku = command.sku()](const CommandDone& done) {
                return edge::created("/api/products/" + id, body_of(id, sku, done.version));
              },
              {}};
}

// A SKU may be repeated, as in what a GET answered, but it never changes.
Decided<Wish> update(const Call& call, const std::string& id, Product product, Fields fields) {
  const auto origin = edge::origin_of<v1::ProductCreated, Event>(call.history(), context, id);
  const std::string sku = origin ? origin->sku() : "";
  if (origin && product.sku && *product.sku != sku)
    return reject_field("sku", "never changes: leave it out, or send " + sku);
  v1::UpdateProduct command;
  *command.mutable_details() = std::move(product.details);
  for (std::string& field : fields) command.add_fields(std::move(field));
  return Wish{call.command(context, id, command),
              [id, sku](const CommandDone& done) {
                return http::Response{200, {}, body_of(id, sku, done.version)};
              },
              {}};
}

Decided<Wish> replace(const Call& call) {
  if (auto refusal = call.needs_staff()) return *std::move(refusal);
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(product, product_of(call));
  Fields all;
  const auto* type = v1::ProductDetails::descriptor();
  for (int i = 0; i < type->field_count(); ++i) all.push_back(type->field(i)->json_name());
  return update(call, id, std::move(product), std::move(all));
}

Decided<Wish> change(const Call& call) {
  if (auto refusal = call.needs_staff()) return *std::move(refusal);
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(product, product_of(call));
  Fields given = product.fields;
  return update(call, id, std::move(product), std::move(given));
}

Decided<Wish> archive(const Call& call) {
  if (auto refusal = call.needs_staff()) return *std::move(refusal);
  BOOST_OUTCOME_TRY(id, call.id());
  if (auto refusal = call.has_fields()) return *std::move(refusal);
  return Wish{call.command(context, id, v1::ArchiveProduct()),
              [](const CommandDone&) {
                return http::Response{204, {}, ""};
              },
              {}};
}

}  // namespace

void add_command_routes(http::Router& router, edge::Edge& edge) {
  edge.add(router, http::Method::post, "/api/products", create);
  edge.add(router, http::Method::put, "/api/products/{id}", replace);
  edge.add(router, http::Method::patch, "/api/products/{id}", change);
  edge.add(router, http::Method::del, "/api/products/{id}", archive);
}

}  // namespace everfold::catalog
