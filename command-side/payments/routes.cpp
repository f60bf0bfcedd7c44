#include "command-side/payments/routes.hpp"

#include <boost/outcome/try.hpp>
#include <utility>
#include <variant>

#include "command-side/edge/lookup.hpp"
#include "command-side/payments/decider.hpp"
#include "kernel/check.hpp"
#include "platform/json/object.hpp"

namespace everfold::payments {
namespace {

using edge::Call;
using edge::Wish;

const std::string context(Payments::context);

// The refund as it was asked for, by the command that was done now or long ago.
v1::RefundRequested refund_of(const History& history, const CommandDone& done, const std::string& payment_id,
                              const std::string& refund_id) {
  const auto events = done.events.empty() ? history.events(context, payment_id, 1, edge::all_events) : done.events;
  for (const StoredEvent& stored : events) {
    const auto event = edge::read_event<Event>(stored);
    const auto* refund = std::get_if<v1::RefundRequested>(&event);
    if (refund && refund->refund_id() == refund_id) return *refund;
  }
  fail("a refund was done and is not in the history of its payment");
}

http::Response refund_requested(const std::string& payment_id, const v1::RefundRequested& refund, int64_t version) {
  return edge::created("/api/payments/" + payment_id, json::Object()
                                                          .text("id", refund.refund_id())
                                                          .text("paymentId", payment_id)
                                                          .message("amount", refund.amount())
                                                          .text("reason", refund.reason())
                                                          .text("status", "REQUESTED")
                                                          .number("version", version)
                                                          .str());
}

Decided<Wish> refund(const Call& call) {
  if (auto refusal = call.needs_staff()) return *std::move(refusal);
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(body, call.body<v1::RequestRefund>({{"amount", "reason"}, {}}));
  const std::string refund_id = call.derived_id("refund");
  body.message.set_refund_id(refund_id);
  return Wish{call.command(context, id, body.message),
              [&history = call.history(), id, refund_id](const CommandDone& done) {
                return refund_requested(id, refund_of(history, done, id, refund_id), done.version);
              },
              {}};
}

// The payer: the order's customer, for a guest's order whoever holds its token; or staff.
std::optional<Rejection> may_complete(const Call& call, const std::string& payment_id) {
  const auto payment = edge::origin_of<v1::PaymentRequested, Event>(call.history(), context, payment_id);
  if (!payment) return reject(Code::not_found, "There is no such payment.");
  const bool pays =
      payment->has_customer_id() ? call.is_customer(payment->customer_id()) : call.holds_token_of(payment->order_id());
  if (pays || call.is_staff()) return std::nullopt;
  return reject(Code::forbidden, "This payment is somebody else's.");
}

Decided<Wish> complete_sandbox(const Call& call) {
  BOOST_OUTCOME_TRY(id, call.id());
  BOOST_OUTCOME_TRY(body, call.body<v1::CompleteSandboxPayment>());
  if (auto refusal = may_complete(call, id)) return *std::move(refusal);
  const char* status = body.message.outcome() == v1::CompleteSandboxPayment::approve ? "CAPTURED" : "DECLINED";
  return Wish{
      call.command(context, id, body.message),
      [id, status](const CommandDone& done) {
        return http::Response{
            200, {}, json::Object().text("id", id).text("status", status).number("version", done.version).str()};
      },
      {}};
}

}  // namespace

void add_command_routes(http::Router& router, edge::Edge& edge) {
  edge.add(router, http::Method::post, "/api/payments/{id}/refunds", refund);
  edge.add(router, http::Method::post, "/api/payments/sandbox/{id}/complete", complete_sandbox);
}

}  // namespace everfold::payments
