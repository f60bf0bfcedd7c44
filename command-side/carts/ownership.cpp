#include "command-side/carts/ownership.hpp"

#include <utility>

#include "command-side/edge/lookup.hpp"
#include "schemas/carts/events.hpp"

namespace everfold::carts {

Decided<v1::CartCreated> cart_of(const edge::Call& call, const std::string& cart_id) {
  auto cart = edge::origin_of<v1::CartCreated, Event>(call.history(), "carts", cart_id);
  if (!cart) return reject(Code::not_found, "There is no such cart; create one first.");
  if (!cart->has_customer_id() || call.is_staff() || call.is_customer(cart->customer_id())) return *std::move(cart);
  return reject(Code::forbidden, "This cart belongs to somebody else; create your own.");
}

}  // namespace everfold::carts
