#include "command-side/carts/routes.hpp"

#include <boost/outcome/try.hpp>
#include <memory>
#include <utility>

#include "command-side/carts/checkout.hpp"
#include "command-side/carts/decider.hpp"
#include "command-side/carts/ownership.hpp"
#include "command-side/carts/products.hpp"
#include "platform/json/object.hpp"

namespace everfold::carts {
namespace {

using edge::Call;
using edge::Wish;

const std::string context(Carts::context);

std::string body_of(const std::string& id, int64_t version) {
  return json::Object().text("id", id).number("version", version).str();
}

Decided<Wish> create(const Call& call) {
  BOOST_OUTCOME_TRY(body, call.body<v1::CreateCart>({{"currency"}, {}}));
  // Staff fill carts for others: whose it is, they say at the checkout.
  if (call.caller() && !call.is_staff()) body.message.set_customer_id(call.caller()->subject);
  const std::string id = call.derived_id("cart");
  return Wish{call.command(context, id, body.message),
              [id](const CommandDone& done) { return edge::created("/api/carts/" + id, body_of(id, done.version)); },
              {}};
}

template <class Message>
Wish change(const Call& call, const std::string& cart_id, const Message& command) {
  return {call.command(context, cart_id, command),
          [cart_id](const CommandDone& done) {
            return http::Response{200, {}, body_of(cart_id, done.version)};
          },
          {}};
}

Decided<Wish> add_item(const Call& call, Products& products) {
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(body, call.body<v1::AddCartItem>({{"sku", "quantity"}, {}}));
  if (auto cart = cart_of(call, id); !cart) return std::move(cart).error();
  v1::AddCartItem& command = body.message;
  const auto product = products.find(command.sku());
  if (product.details.status() == catalog::v1::ProductDetails::active) {
    command.set_name(product.details.name());
    *command.mutable_unit_price() = product.details.price();
  }
  return change(call, id, command);
}

Decided<Wish> change_quantity(const Call& call) {
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(sku, call.sku());
  BOOST_OUTCOME_TRY(body, call.body<v1::ChangeCartItemQuantity>({{"quantity"}, {}}));
  // The schema's 0 stands for "not said" as well, and here it would empty the line.
  if (body.fields.empty()) return reject_field("quantity", "must be given");
  if (auto cart = cart_of(call, id); !cart) return std::move(cart).error();
  body.message.set_sku(sku);
  return change(call, id, body.message);
}

Decided<Wish> remove_item(const Call& call) {
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(sku, call.sku());
  if (auto refusal = call.has_fields()) return *std::move(refusal);
  if (auto cart = cart_of(call, id); !cart) return std::move(cart).error();
  v1::RemoveCartItem command;
  command.set_sku(sku);
  return change(call, id, command);
}

}  // namespace

void add_command_routes(http::Router& router, edge::Edge& edge) {
  const auto products = std::make_shared<Products>(edge.history());
  edge.add(router, http::Method::post, "/api/carts", create);
  edge.add(router, http::Method::post, "/api/carts/{id}/items",
           [products](const Call& call) { return add_item(call, *products); });
  edge.add(router, http::Method::patch, "/api/carts/{id}/items/{sku}", change_quantity);
  edge.add(router, http::Method::del, "/api/carts/{id}/items/{sku}", remove_item);
  edge.add(router, http::Method::post, "/api/carts/{id}/checkout",
           [&tokens = edge.tokens()](const Call& call) { return check_out(call, tokens); });
}

}  // namespace everfold::carts
