#include "command-side/inventory/routes.hpp"

#include <boost/outcome/try.hpp>
#include <utility>
#include <variant>

#include "command-side/edge/lookup.hpp"
#include "command-side/inventory/decider.hpp"
#include "kernel/check.hpp"
#include "platform/json/object.hpp"

namespace everfold::inventory {
namespace {

using edge::Call;
using edge::Wish;

const std::string context(Inventory::context);

// {sku, onHand, reserved, available, version}, as the command left them: every event carries the levels behind it.
http::Response levels(const History& history, const std::string& sku, const CommandDone& done) {
  const auto event = edge::last_event<Event>(history, done, sku);
  check(event.has_value(), "a command about stock was done and the stock has no history");
  return std::visit(
      [&](const auto& e) {  // one arm: an event without levels would not compile
        return http::Response{200,
                              {},
                              json::Object()
                                  .text("sku", sku)
                                  .number("onHand", e.on_hand())
                                  .number("reserved", e.reserved())
                                  .number("available", e.on_hand() - e.reserved())
                                  .number("version", done.version)
                                  .str()};
      },
      *event);
}

template <class Message>
Decided<Wish> about_stock(const Call& call) {
  if (auto refusal = call.needs_staff()) return *std::move(refusal);
  BOOST_OUTCOME_TRY(sku, call.sku());
  BOOST_OUTCOME_TRY(body, call.body<Message>());
  return Wish{call.command(context, sku, body.message),
              [&history = call.history(), sku](const CommandDone& done) { return levels(history, sku, done); },
              {}};
}

}  // namespace

void add_command_routes(http::Router& router, edge::Edge& edge) {
  edge.add(router, http::Method::post, "/api/inventory/{sku}/receipts", about_stock<v1::ReceiveStock>);
  edge.add(router, http::Method::post, "/api/inventory/{sku}/adjustments", about_stock<v1::AdjustStock>);
  edge.add(router, http::Method::put, "/api/inventory/{sku}/threshold", about_stock<v1::SetLowStockThreshold>);
}

}  // namespace everfold::inventory
