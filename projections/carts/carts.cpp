#include "projections/carts/carts.hpp"

#include <algorithm>

#include "kernel/money.hpp"
#include "kernel/overloaded.hpp"
#include "projections/timestamp.hpp"

namespace everfold::carts {
namespace {

auto line_of(v1::CartRow& row, const std::string& sku) {
  return std::find_if(row.mutable_lines()->begin(), row.mutable_lines()->end(),
                      [&](const v1::CartLine& line) { return line.sku() == sku; });
}

// The decider refused every sum that does not fit; a fold is total all the same.
int64_t fitting(std::optional<int64_t> amount) { return amount.value_or(max_amount); }

// Sets the line's total and carries the difference into the subtotal.
void set_quantity(v1::CartRow& row, v1::CartLine& line, int64_t quantity) {
  const int64_t before = line.line_total().amount();
  const int64_t after = fitting(multiply_amount(line.unit_price().amount(), quantity));
  line.set_quantity(quantity);
  line.mutable_line_total()->set_amount(after);
  line.mutable_line_total()->set_currency(row.currency());
  row.mutable_subtotal()->set_amount(fitting(add_amounts(row.subtotal().amount(), after - before)));
}

void add(v1::CartRow& row, const v1::CartItemAdded& event) {
  auto found = line_of(row, event.sku());
  v1::CartLine& line = found == row.mutable_lines()->end() ? *row.add_lines() : *found;
  line.set_sku(event.sku());
  line.set_name(event.name());
  *line.mutable_unit_price() = event.unit_price();
  set_quantity(row, line, line.quantity() + event.quantity());
}

void change(v1::CartRow& row, const v1::CartItemQuantityChanged& event) {
  if (const auto line = line_of(row, event.sku()); line != row.mutable_lines()->end())
    set_quantity(row, *line, event.quantity());
}

void remove(v1::CartRow& row, const v1::CartItemRemoved& event) {
  const auto line = line_of(row, event.sku());
  if (line == row.mutable_lines()->end()) return;
  set_quantity(row, *line, 0);
  row.mutable_lines()->erase(line);
}

void check_out(v1::CartRow& row, const v1::CartCheckedOut& event) {
  row.set_status(v1::CartRow::CHECKED_OUT);
  row.set_order_id(event.order_id());
  if (event.has_customer_id()) row.set_customer_id(event.customer_id());
  *row.mutable_lines() = event.lines();
  *row.mutable_subtotal() = event.subtotal();
}

}  // namespace

std::vector<std::string> Carts::keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }

std::optional<Carts::Row> Carts::fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
  if (!row) {
    row.emplace().set_id(meta.aggregate_id);
    set_time(*row->mutable_created_at(), meta.time_ms);
  }
  row->set_version(meta.version);
  set_time(*row->mutable_updated_at(), meta.time_ms);
  std::visit(overloaded{
                 [&](const v1::CartCreated& e) {
                   row->set_status(v1::CartRow::OPEN);
                   row->set_currency(e.currency());
                   row->mutable_subtotal()->set_currency(e.currency());
                   if (e.has_customer_id()) row->set_customer_id(e.customer_id());
                 },
                 [&](const v1::CartItemAdded& e) { add(*row, e); },
                 [&](const v1::CartItemQuantityChanged& e) { change(*row, e); },
                 [&](const v1::CartItemRemoved& e) { remove(*row, e); },
                 [&](const v1::CartCheckedOut& e) { check_out(*row, e); },
             },
             event);
  return row;
}

}  // namespace everfold::carts
