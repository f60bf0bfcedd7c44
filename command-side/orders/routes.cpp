#include "command-side/orders/routes.hpp"

#include <algorithm>
#include <array>
#include <boost/outcome/try.hpp>
#include <string_view>
#include <utility>

#include "command-side/edge/lookup.hpp"
#include "command-side/orders/decider.hpp"
#include "platform/json/object.hpp"

namespace everfold::orders {
namespace {

using edge::Call;
using edge::Wish;

const std::string context(Orders::context);

// What a cancellation by the checkout is called (saga/checkout/decider.hpp): programs tell them apart by these words.
constexpr std::array<std::string_view, 3> checkout_reasons{"OUT_OF_STOCK", "PAYMENT_DECLINED", "PAYMENT_TIMEOUT"};

// Its customer, staff, and for a guest's order whoever holds its token.
std::optional<Rejection> may_cancel(const Call& call, const std::string& order_id) {
  const auto order = edge::origin_of<v1::OrderPlaced, Event>(call.history(), context, order_id);
  if (!order) return reject(Code::not_found, "There is no such order.");
  const bool owns = order->has_customer_id() ? call.is_customer(order->customer_id()) : call.holds_token_of(order_id);
  if (owns || call.is_staff()) return std::nullopt;
  return reject(Code::forbidden, "This order is somebody else's.");
}

Decided<Wish> cancel(const Call& call) {
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(body, call.body<v1::CancelOrder>());
  if (std::ranges::find(checkout_reasons, body.message.reason()) != checkout_reasons.end())
    return reject_field("reason", "is one that only the checkout gives; say it in your own words");
  if (auto refusal = may_cancel(call, id)) return *std::move(refusal);
  return Wish{
      call.command(context, id, body.message),
      [id](const CommandDone& done) {
        return http::Response{
            200, {}, json::Object().text("id", id).text("status", "CANCELLED").number("version", done.version).str()};
      },
      {}};
}

}  // namespace

void add_command_routes(http::Router& router, edge::Edge& edge) {
  edge.add(router, http::Method::post, "/api/orders/{id}/cancel", cancel);
}

}  // namespace everfold::orders
