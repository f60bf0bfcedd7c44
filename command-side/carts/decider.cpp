#include "command-side/carts/decider.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "kernel/fields.hpp"
#include "kernel/money.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/common/money.hpp"

namespace everfold::carts {
namespace {

using State = Carts::State;
using Line = Carts::Line;
using Events = std::vector<Event>;

constexpr std::size_t max_lines = 1'000;

// A provider that the shop can be paid by gets a line here.
struct Provider {
  std::string_view name;
  std::array<std::string_view, 5> methods;
  std::string_view methods_told;
};
constexpr std::array<Provider, 1> known_providers{
    {{"sandbox",
      {"approve", "decline", "manual", "approve-less", "approve-and-keep"},
      "must be approve, decline or manual, or approve-less or approve-and-keep to see what goes wrong then"}}};

bool exists(const State& state) { return !state.currency.empty(); }

Rejection no_cart() { return reject(Code::not_found, "There is no such cart; create one first."); }

Rejection closed() {
  return reject(Code::cart_checked_out, "The cart has been checked out and is closed; create another cart.");
}

Rejection not_in_cart() {
  return reject_about(Code::item_not_in_cart, "sku", "The cart has no line with this SKU; add it first.");
}

Rejection too_dear() {
  return reject_about(Code::amount_out_of_range, "quantity",
                      "The cart's subtotal would be more than 1000000000000000; take less of it.");
}

const Line* find_line(const State& state, std::string_view sku) {
  const auto line =
      std::find_if(state.lines.begin(), state.lines.end(), [&](const Line& each) { return each.sku == sku; });
  return line == state.lines.end() ? nullptr : &*line;
}

std::vector<Line>::iterator line_at(State& state, std::string_view sku) {
  return std::find_if(state.lines.begin(), state.lines.end(), [&](const Line& each) { return each.sku == sku; });
}

int64_t total_of(const Line& line) { return line.unit_price * line.quantity; }

// Whether the cart could still be paid for with `line` (null: a new one) at this price and quantity.
bool fits(const State& state, const Line* line, int64_t unit_price, int64_t quantity) {
  const auto total = multiply_amount(unit_price, quantity);
  const int64_t others = state.subtotal - (line == nullptr ? 0 : total_of(*line));
  return total && add_amounts(others, *total);
}

Decided<Events> create(const State& state, const v1::CreateCart& command) {
  FieldCheck fields;
  fields.currency("currency", command.currency())
      .that(!command.has_customer_id() || !command.customer_id().empty(), "customerId", "must not be empty");
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (exists(state)) return reject(Code::already_exists, "There is a cart with this id already; use it.");
  v1::CartCreated created;
  created.set_currency(command.currency());
  if (command.has_customer_id()) created.set_customer_id(command.customer_id());
  return Events{std::move(created)};
}

Decided<Events> add(const State& state, const v1::AddCartItem& command) {
  if (!exists(state)) return no_cart();
  FieldCheck fields;
  fields.sku("sku", command.sku()).number("quantity", command.quantity(), 1, max_quantity);
  if (command.has_unit_price()) fields.number("unitPrice.amount", command.unit_price().amount(), 0, max_amount);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (state.checked_out) return closed();
  if (!command.has_unit_price() || !command.has_name())
    return reject_about(Code::product_unavailable, "sku", "This product is not on sale; choose another one.");
  if (command.unit_price().currency() != state.currency)
    return reject_about(Code::currency_mismatch, "sku",
                        "This product is priced in " + command.unit_price().currency() + ", the cart is in " +
                            state.currency + "; put it into a cart of its own currency.");
  const Line* line = find_line(state, command.sku());
  if (line == nullptr && state.lines.size() >= max_lines)
    return reject_about(Code::cart_full, "sku", "The cart has 1000 lines already; check it out and start another.");
  const int64_t quantity = command.quantity() + (line == nullptr ? 0 : line->quantity);
  if (quantity > max_quantity)
    return reject_about(Code::amount_out_of_range, "quantity",
                        "The line would have more than 1000000000 pieces; add fewer.");
  if (!fits(state, line, command.unit_price().amount(), quantity)) return too_dear();
  v1::CartItemAdded added;
  added.set_sku(command.sku());
  added.set_name(command.name());
  *added.mutable_unit_price() = command.unit_price();
  added.set_quantity(command.quantity());
  return Events{std::move(added)};
}

Events removed(const std::string& sku) {
  v1::CartItemRemoved removed;
  removed.set_sku(sku);
  return {std::move(removed)};
}

Decided<Events> change_quantity(const State& state, const v1::ChangeCartItemQuantity& command) {
  if (!exists(state)) return no_cart();
  FieldCheck fields;
  fields.number("quantity", command.quantity(), 0, max_quantity);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (state.checked_out) return closed();
  const Line* line = find_line(state, command.sku());
  if (line == nullptr) return not_in_cart();
  if (command.quantity() == 0) return removed(command.sku());
  if (command.quantity() == line->quantity) return Events{};
  if (!fits(state, line, line->unit_price, command.quantity())) return too_dear();
  v1::CartItemQuantityChanged changed;
  changed.set_sku(command.sku());
  changed.set_quantity(command.quantity());
  return Events{std::move(changed)};
}

Decided<Events> remove(const State& state, const v1::RemoveCartItem& command) {
  if (!exists(state)) return no_cart();
  if (state.checked_out) return closed();
  if (find_line(state, command.sku()) == nullptr) return not_in_cart();
  return removed(command.sku());
}

void check_payment(const v1::CheckOutCart& command, FieldCheck& fields) {
  fields.that(command.has_payment(), "payment", "must be given");
  if (!command.has_payment()) return;
  const v1::PaymentChoice& payment = command.payment();
  const auto provider = std::find_if(known_providers.begin(), known_providers.end(),
                                     [&](const Provider& each) { return each.name == payment.provider(); });
  fields.that(provider != known_providers.end(), "payment.provider", "must be sandbox");
  if (provider == known_providers.end()) return;
  const auto& methods = provider->methods;
  fields.that(std::find(methods.begin(), methods.end(), payment.method()) != methods.end(), "payment.method",
              provider->methods_told);
}

v1::CartLine priced(const Line& line, const std::string& currency) {
  v1::CartLine told;
  told.set_sku(line.sku);
  told.set_name(line.name);
  told.set_quantity(line.quantity);
  *told.mutable_unit_price() = common::money(line.unit_price, currency);
  *told.mutable_line_total() = common::money(total_of(line), currency);
  return told;
}

Decided<Events> check_out(const State& state, const v1::CheckOutCart& command) {
  if (!exists(state)) return no_cart();
  FieldCheck fields;
  fields.that(!command.order_id().empty(), "orderId", "must be given")
      .that(!command.has_customer_id() || !command.customer_id().empty(), "customerId", "must not be empty");
  check_payment(command, fields);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (state.checked_out) return closed();
  if (state.lines.empty()) return reject(Code::cart_empty, "The cart is empty; put something into it first.");
  v1::CartCheckedOut out;
  out.set_order_id(command.order_id());
  out.set_currency(state.currency);
  if (command.has_customer_id()) {
    out.set_customer_id(command.customer_id());
  } else if (state.customer_id) {
    out.set_customer_id(*state.customer_id);
  }
  for (const Line& line : state.lines) *out.add_lines() = priced(line, state.currency);
  *out.mutable_subtotal() = common::money(state.subtotal, state.currency);
  *out.mutable_payment() = command.payment();
  return Events{std::move(out)};
}

// Applies `change` to the line and keeps the subtotal in step with it.
template <class Change>
void change_line(State& state, std::vector<Line>::iterator line, const Change& change) {
  state.subtotal -= total_of(*line);
  change(*line);
  state.subtotal += total_of(*line);
}

// The newest name and price are the whole line's.
void add_item(State& state, const v1::CartItemAdded& event) {
  auto at = line_at(state, event.sku());
  if (at == state.lines.end()) at = state.lines.insert(at, Line{event.sku(), {}, 0, 0});
  change_line(state, at, [&](Line& line) {
    line.name = event.name();
    line.quantity += event.quantity();
    line.unit_price = event.unit_price().amount();
  });
}

void set_quantity(State& state, const v1::CartItemQuantityChanged& event) {
  const auto at = line_at(state, event.sku());
  if (at != state.lines.end()) change_line(state, at, [&](Line& line) { line.quantity = event.quantity(); });
}

void remove_item(State& state, const v1::CartItemRemoved& event) {
  const auto at = line_at(state, event.sku());
  if (at == state.lines.end()) return;
  state.subtotal -= total_of(*at);
  state.lines.erase(at);
}

}  // namespace

Decided<std::vector<Event>> Carts::decide(const State& state, const Command& command) {
  return std::visit(overloaded{
                        [&](const v1::CreateCart& c) { return create(state, c); },
                        [&](const v1::AddCartItem& c) { return add(state, c); },
                        [&](const v1::ChangeCartItemQuantity& c) { return change_quantity(state, c); },
                        [&](const v1::RemoveCartItem& c) { return remove(state, c); },
                        [&](const v1::CheckOutCart& c) { return check_out(state, c); },
                    },
                    command);
}

Carts::State Carts::evolve(State state, const Event& event) {
  std::visit(overloaded{
                 [&](const v1::CartCreated& e) {
                   state.currency = e.currency();
                   if (e.has_customer_id()) state.customer_id = e.customer_id();
                 },
                 [&](const v1::CartItemAdded& e) { add_item(state, e); },
                 [&](const v1::CartItemQuantityChanged& e) { set_quantity(state, e); },
                 [&](const v1::CartItemRemoved& e) { remove_item(state, e); },
                 [&](const v1::CartCheckedOut&) { state.checked_out = true; },
             },
             event);
  return state;
}

}  // namespace everfold::carts
