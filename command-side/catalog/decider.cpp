#include "command-side/catalog/decider.hpp"

#include <google/protobuf/util/message_differencer.h>

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "kernel/fields.hpp"
#include "kernel/overloaded.hpp"

namespace everfold::catalog {
namespace {

using State = Catalog::State;
using Events = std::vector<Event>;
using Details = v1::ProductDetails;

constexpr std::size_t max_name = 200, max_description = 10'000, max_group = 100;
constexpr int max_attributes = 100;
constexpr std::size_t max_attribute_key = 64, max_attribute_value = 1'000;

bool exists(const State& state) { return !state.sku.empty(); }

Rejection no_product() { return reject(Code::not_found, "There is no such product; create it first."); }

void check_attributes(const Details& details, FieldCheck& fields) {
  fields.that(details.attributes_size() <= max_attributes, "attributes", "must have at most 100 entries");
  // A Protobuf map has no order of its own; what is told must not depend on it.
  const std::map<std::string, std::string> sorted(details.attributes().begin(), details.attributes().end());
  for (const auto& [key, value] : sorted) {
    fields.required_text("attributes", key, max_attribute_key);
    fields.text("attributes." + key, value, max_attribute_value);
  }
}

void check_details(const Details& details, FieldCheck& fields) {
  fields.required_text("name", details.name(), max_name)
      .long_text("description", details.description(), max_description)
      .text("category", details.category(), max_group)
      .text("brand", details.brand(), max_group)
      .that(details.has_price(), "price", "must be given")
      .that(details.status() == Details::draft || details.status() == Details::active, "status",
            "must be draft or active; archive a product by deleting it");
  if (details.has_price()) fields.money("price", details.price().amount(), details.price().currency(), 0);
  check_attributes(details, fields);
}

// One way to say each thing: a text that is empty is none, and a product whose status is not given is for sale.
Details with_defaults(Details details) {
  if (details.description().empty()) details.clear_description();
  if (details.category().empty()) details.clear_category();
  if (details.brand().empty()) details.clear_brand();
  if (details.status() == Details::unspecified) details.set_status(Details::active);
  return details;
}

Decided<Events> create(const State& state, const v1::CreateProduct& command) {
  const Details details = with_defaults(command.details());
  FieldCheck fields;
  fields.sku("sku", command.sku());
  check_details(details, fields);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (exists(state))
    return reject_about(Code::already_exists, "sku",
                        "There is a product with this SKU already; change that one, or choose another SKU.");
  v1::ProductCreated created;
  created.set_sku(command.sku());
  *created.mutable_details() = details;
  return Events{std::move(created)};
}

// Copies one named field; false when products have no such field. One that `from` leaves unset is cleared.
bool take_field(const std::string& name, const Details& from, Details& to) {
  if (name == "name") {
    to.set_name(from.name());
  } else if (name == "description") {
    to.set_description(from.description());
  } else if (name == "price") {
    to.clear_price();
    if (from.has_price()) *to.mutable_price() = from.price();
  } else if (name == "category") {
    to.set_category(from.category());
  } else if (name == "brand") {
    to.set_brand(from.brand());
  } else if (name == "attributes") {
    *to.mutable_attributes() = from.attributes();
  } else if (name == "status") {
    to.set_status(from.status());
  } else {
    return false;
  }
  return true;
}

Decided<Events> update(const State& state, const v1::UpdateProduct& command) {
  if (!exists(state)) return no_product();
  if (state.details.status() == Details::archived)
    return reject(Code::product_archived, "The product is archived and stays as it is; create another with a new SKU.");
  FieldCheck fields;
  Details changed = state.details;
  for (const std::string& name : command.fields())
    fields.that(take_field(name, command.details(), changed), name, "is not a field of a product that can change");
  changed = with_defaults(std::move(changed));
  check_details(changed, fields);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (google::protobuf::util::MessageDifferencer::Equals(changed, state.details)) return Events{};
  v1::ProductUpdated updated;
  updated.set_sku(state.sku);
  *updated.mutable_details() = std::move(changed);
  return Events{std::move(updated)};
}

Decided<Events> archive(const State& state) {
  if (!exists(state)) return no_product();
  if (state.details.status() == Details::archived) return Events{};
  v1::ProductArchived archived;
  archived.set_sku(state.sku);
  return Events{std::move(archived)};
}

}  // namespace

Decided<std::vector<Event>> Catalog::decide(const State& state, const Command& command) {
  return std::visit(overloaded{
                        [&](const v1::CreateProduct& c) { return create(state, c); },
                        [&](const v1::UpdateProduct& c) { return update(state, c); },
                        [&](const v1::ArchiveProduct&) { return archive(state); },
                    },
                    command);
}

Catalog::State Catalog::evolve(State state, const Event& event) {
  std::visit(overloaded{
                 [&](const v1::ProductCreated& e) {
                   state.sku = e.sku();
                   state.details = e.details();
                 },
                 [&](const v1::ProductUpdated& e) { state.details = e.details(); },
                 [&](const v1::ProductArchived&) { state.details.set_status(Details::archived); },
             },
             event);
  return state;
}

}  // namespace everfold::catalog
