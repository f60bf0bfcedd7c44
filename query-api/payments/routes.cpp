#include "query-api/payments/routes.hpp"

#include "projections/payments/payments.hpp"
#include "projections/timestamp.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/http/rows.hpp"

namespace everfold::query {
namespace {

using payments::Payments;
using Row = Payments::Row;

bool readable(const Caller& caller, const Row& row) {
  return caller.is_staff() || (row.has_customer_id() && caller.is_customer(row.customer_id())) ||
         caller.holds_token_of(row.order_id());
}

constexpr std::string_view sortable[] = {"createdAt", "amount"};

Answer list(const Read& read) {
  if (auto refusal = needs_staff(read.caller)) return *std::move(refusal);
  Parameters parameters(read.request);
  const auto page = Page::of(parameters);
  const auto order = Order::of(parameters, sortable, {0, true});
  const auto fields = Fields::of(parameters, *Row::descriptor());
  const auto status = parameters.value_of("status", *Row::Status_descriptor());
  const auto order_id = parameters.text("orderId");
  const auto customer_id = parameters.text("customerId");
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  return list_of<Row>(read.view, page, order, fields, [&](PageOfMatches& matches) {
    read.view.rows({}, {}, [&](std::string_view key, std::string_view bytes) {
      const auto row = parsed_row<Row>(key, bytes);
      if (status && row.status() != *status) return true;
      if (order_id && row.order_id() != *order_id) return true;
      if (customer_id && (!row.has_customer_id() || row.customer_id() != *customer_id)) return true;
      matches.offer(sort_key(order.by == 0 ? time_ms(row.created_at()) : row.amount().amount()), key);
      return true;
    });
  });
}

}  // namespace

void add_payments_routes(ReadRoutes& routes) {
  const RowResource<Payments> payment{
      .pattern = "/api/payments/{id}", .noun = "payment", .readable = readable, .login_helps = true};
  routes.add("/api/payments", {std::string(Payments::name), ReadStep::Work::scan, list});
  add_row_route(routes, payment);
  add_history_route(routes, payment);
}

}  // namespace everfold::query
