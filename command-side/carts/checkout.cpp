#include "command-side/carts/checkout.hpp"

#include <boost/outcome/try.hpp>
#include <utility>

#include "command-side/carts/decider.hpp"
#include "command-side/carts/ownership.hpp"
#include "command-side/edge/lookup.hpp"
#include "kernel/ids.hpp"
#include "platform/json/object.hpp"
#include "saga/translators/carts_to_orders.hpp"

namespace everfold::carts {
namespace {

using edge::Call;
using edge::Wish;

// Staff may buy for anybody; whoever else is logged in buys for themselves, also when the cart was a guest's until now.
std::optional<Rejection> settle_customer(const Call& call, const v1::CartCreated& cart, v1::CheckOutCart& command) {
  if (call.is_staff()) return std::nullopt;
  if (command.has_customer_id() && !call.is_customer(command.customer_id()))
    return reject(Code::forbidden, "Only sellers and admins may name another customer: leave customerId out.");
  if (call.caller() && !cart.has_customer_id()) command.set_customer_id(call.caller()->subject);
  return std::nullopt;
}

http::Response order_placed(const v1::CartCheckedOut& cart, const auth::TokenVerifier& tokens) {
  const std::string& order_id = cart.order_id();
  json::Object body;
  body.text("orderId", order_id).text("orderNumber", order_number(order_id)).text("status", "PENDING");
  if (!cart.has_customer_id()) body.text("orderToken", tokens.make_order_token(order_id));
  return edge::created("/api/orders/" + order_id, body.str());
}

Decided<Wish> place_order(const CommandDone& done, const auth::TokenVerifier& tokens) {
  if (done.events.size() != 1) return reject(Code::internal, "A checkout must be one event.");
  BOOST_OUTCOME_TRY(commands, carts_to_orders::react(done.events.front()));
  if (commands.size() != 1) return reject(Code::internal, "A checkout must place one order.");
  const auto event = edge::read_event<Event>(done.events.front());
  return Wish{
      std::move(commands.front()),
      [cart = std::get<v1::CartCheckedOut>(event), &tokens](const CommandDone&) { return order_placed(cart, tokens); },
      {}};
}

}  // namespace

Decided<Wish> check_out(const Call& call, const auth::TokenVerifier& tokens) {
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(body, call.body<v1::CheckOutCart>({{"payment", "customerId"}, {}}));
  BOOST_OUTCOME_TRY(cart, cart_of(call, id));
  v1::CheckOutCart& command = body.message;
  if (auto refusal = settle_customer(call, cart, command)) return *std::move(refusal);
  command.set_order_id(order_id_of_cart(id));
  return Wish{call.command(Carts::context, id, command), {}, [&tokens](const CommandDone& done) {
                return place_order(done, tokens);
              }};
}

}  // namespace everfold::carts
