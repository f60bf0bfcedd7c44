#include "query-api/orders/routes.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "projections/orders/orders.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/http/rows.hpp"
#include "query-api/orders/order_head.hpp"

namespace everfold::query {
namespace {

using orders::Orders;
using Row = Orders::Row;

bool readable(const Caller& caller, const Row& row) {
  return caller.is_staff() || (row.has_customer_id() && caller.is_customer(row.customer_id())) ||
         caller.holds_token_of(row.id());
}

struct Filter {
  std::optional<std::string> customer_id;
  std::optional<int> status;
  int64_t from_ms = 0;                                  // of placedAt, included
  int64_t to_ms = std::numeric_limits<int64_t>::max();  // not included
};

Filter filter_of(Parameters& parameters) {
  Filter filter;
  filter.customer_id = parameters.text("customerId");
  filter.status = parameters.value_of("status", *Row::Status_descriptor());
  filter.from_ms = parameters.time_ms("from").value_or(filter.from_ms);
  filter.to_ms = parameters.time_ms("to").value_or(filter.to_ms);
  return filter;
}

// A shopper's list is theirs, whatever they ask for.
std::optional<Rejection> narrow_to(const Caller& caller, Filter& filter) {
  if (auto refusal = needs_user(caller)) return refusal;
  if (caller.is_staff()) return std::nullopt;
  const auto& own = caller.principal()->subject;
  if (filter.customer_id.value_or(own) != own)
    return reject(Code::forbidden, "other customers' orders are for sellers and admins");
  filter.customer_id = own;
  return std::nullopt;
}

constexpr std::string_view sortable[] = {"placedAt", "total"};
constexpr std::size_t by_placed_at = 0;
constexpr std::size_t time_digits = 15;

// Newest first: index entries "<prefix><15 digits of ms>/<order id>" of the filter's time range.
void visit_index(const ViewReader& view, const Filter& filter,
                 const std::function<void(std::string_view time, std::string_view id)>& visit) {
  const auto prefix = filter.customer_id ? "customer/" + *filter.customer_id + '/' : std::string("placed/");
  view.index_backwards(prefix, [&](std::string_view key, std::string_view id) {
    // A customer's id may hold a '/': then this prefix finds entries of others.
    if (key.size() != prefix.size() + time_digits + 1 + id.size()) return true;
    const auto time = key.substr(prefix.size(), time_digits);
    int64_t placed_ms = 0;
    std::from_chars(time.data(), time.data() + time.size(), placed_ms);
    if (placed_ms < filter.from_ms) return false;
    if (placed_ms < filter.to_ms) visit(time, id);
    return true;
  });
}

void collect(const ViewReader& view, const Filter& filter, const Order& order, PageOfMatches& matches) {
  const bool index_is_enough = order.by == by_placed_at && !filter.status;
  visit_index(view, filter, [&](std::string_view time, std::string_view id) {
    if (index_is_enough) return matches.offer(std::string(time), id);
    const auto bytes = view.row(id);
    if (!bytes) return;
    const auto head = order_head(*bytes);
    if (!head) throw ViewDamaged("the row " + std::string(id) + " is no order");
    if (filter.status && head->status != *filter.status) return;
    matches.offer(order.by == by_placed_at ? std::string(time) : sort_key(head->total), id);
  });
}

Answer list(const Read& read) {
  Parameters parameters(read.request);
  const auto page = Page::of(parameters);
  const auto order = Order::of(parameters, sortable, {by_placed_at, true});
  const auto fields = Fields::of(parameters, *Row::descriptor());
  auto filter = filter_of(parameters);
  if (auto refusal = narrow_to(read.caller, filter)) return *std::move(refusal);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  return list_of<Row>(read.view, page, order, fields,
                      [&](PageOfMatches& matches) { collect(read.view, filter, order, matches); });
}

}  // namespace

void add_orders_routes(ReadRoutes& routes) {
  const RowResource<Orders> order{
      .pattern = "/api/orders/{id}", .noun = "order", .readable = readable, .login_helps = true};
  routes.add("/api/orders", {std::string(Orders::name), ReadStep::Work::scan, list});
  add_row_route(routes, order);
  add_history_route(routes, order);
}

}  // namespace everfold::query
