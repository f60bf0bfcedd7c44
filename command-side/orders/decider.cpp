#include "command-side/orders/decider.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "kernel/fields.hpp"
#include "kernel/money.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/common/money.hpp"

namespace everfold::orders {
namespace {

using State = Orders::State;
using Status = Orders::Status;
using Events = std::vector<Event>;
using Payment = v1::OrderPayment;

constexpr std::size_t max_reason = 500;

Rejection no_order() { return reject(Code::not_found, "There is no such order; place it first."); }

std::string of_line(int at, std::string_view field) {
  return "lines[" + std::to_string(at) + "]." + std::string(field);
}

void check_lines(const v1::PlaceOrder& command, FieldCheck& fields) {
  fields.that(command.lines_size() > 0, "lines", "must not be empty");
  for (int at = 0; at < command.lines_size(); ++at) {
    const v1::OrderLine& line = command.lines(at);
    fields.sku(of_line(at, "sku"), line.sku())
        .number(of_line(at, "quantity"), line.quantity(), 1, max_quantity)
        .number(of_line(at, "unitPrice.amount"), line.unit_price().amount(), 0, max_amount);
  }
}

std::optional<Rejection> check_order(const v1::PlaceOrder& command) {
  FieldCheck fields;
  fields.that(!command.order_number().empty(), "orderNumber", "must be given")
      .that(!command.cart_id().empty(), "cartId", "must be given")
      .that(command.has_payment(), "payment", "must be given")
      .currency("currency", command.currency());
  check_lines(command, fields);
  return fields.rejection();
}

// Refuses a sum that does not fit, so that what is placed can be paid.
Decided<v1::OrderPlaced> with_totals(const v1::PlaceOrder& command) {
  const std::string& currency = command.currency();
  v1::OrderPlaced placed;
  int64_t subtotal = 0;
  for (int at = 0; at < command.lines_size(); ++at) {
    v1::OrderLine& line = *placed.add_lines();
    line = command.lines(at);
    if (line.unit_price().currency() != currency)
      return reject_about(Code::currency_mismatch, of_line(at, "unitPrice.currency"),
                          "Every line's price must be in the order's currency, " + currency + ".");
    const auto line_total = multiply_amount(line.unit_price().amount(), line.quantity());
    const auto sum = line_total ? add_amounts(subtotal, *line_total) : std::nullopt;
    if (!sum)
      return reject_about(Code::amount_out_of_range, of_line(at, "quantity"),
                          "The order's total would be more than 1000000000000000; order less.");
    *line.mutable_line_total() = common::money(*line_total, currency);
    subtotal = *sum;
  }
  *placed.mutable_subtotal() = common::money(subtotal, currency);
  *placed.mutable_discount() = common::money(0, currency);
  *placed.mutable_shipping() = common::money(0, currency);
  *placed.mutable_total() = common::money(subtotal, currency);
  return placed;
}

Decided<Events> place(const State& state, const v1::PlaceOrder& command) {
  if (state.status != Status::none) return Events{};  // asked for by the edge and by the cart's event
  if (auto wrong = check_order(command)) return *std::move(wrong);
  auto totals = with_totals(command);
  if (!totals) return std::move(totals).error();
  v1::OrderPlaced placed = std::move(totals).value();
  placed.set_order_number(command.order_number());
  if (command.has_customer_id()) placed.set_customer_id(command.customer_id());
  placed.set_cart_id(command.cart_id());
  *placed.mutable_payment() = command.payment();
  return Events{std::move(placed)};
}

Decided<Events> mark_stock_reserved(const State& state) {
  if (state.status == Status::none) return no_order();
  if (state.status != Status::pending) return Events{};
  return Events{v1::OrderStockReserved{}};
}

bool gave_back(const Payment& payment) {
  return payment.status() == Payment::PARTIALLY_REFUNDED || payment.status() == Payment::REFUNDED;
}

v1::OrderRefunded refunded(const Payment& payment) {
  v1::OrderRefunded event;
  event.set_full(payment.status() == Payment::REFUNDED);
  return event;
}

Decided<Events> record_payment(const State& state, const v1::RecordPayment& command) {
  if (state.status == Status::none) return no_order();
  const Payment& payment = command.payment();
  FieldCheck fields;
  fields.that(!payment.id().empty(), "payment.id", "must be given")
      .that(payment.status() != Payment::UNSPECIFIED, "payment.status", "must be given")
      .that(payment.payment_version() > 0, "payment.paymentVersion", "must be 1 or more");
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (payment.payment_version() <= state.payment.payment_version()) return Events{};
  v1::OrderPaymentUpdated updated;
  *updated.mutable_payment() = payment;
  Events events{std::move(updated)};
  // A cancelled order gets its money back by being cancelled: that is no refund of the order.
  const bool counts = state.status == Status::confirmed || state.status == Status::partially_refunded;
  if (counts && gave_back(payment)) events.push_back(refunded(payment));
  return events;
}

// The confirmation may arrive after news that is newer than it: the newest picture of the payment stands, and money
// that went back before the order was confirmed is told after.
Decided<Events> confirm(const State& state, const v1::ConfirmOrder& command) {
  if (state.status == Status::none) return no_order();
  if (state.status != Status::pending && state.status != Status::stock_reserved) return Events{};
  v1::OrderConfirmed confirmed;
  if (!command.has_payment()) return Events{std::move(confirmed)};
  if (command.payment().payment_version() < state.payment.payment_version()) {
    *confirmed.mutable_payment() = state.payment;
  } else {
    *confirmed.mutable_payment() = command.payment();
    confirmed.mutable_payment()->set_status(Payment::CAPTURED);
  }
  const Payment payment = confirmed.payment();
  Events events{std::move(confirmed)};
  if (gave_back(payment)) events.push_back(refunded(payment));
  return events;
}

Decided<Events> cancel(const State& state, const v1::CancelOrder& command) {
  if (state.status == Status::none) return no_order();
  FieldCheck fields;
  fields.required_text("reason", command.reason(), max_reason);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (state.status == Status::cancelled) {
    if (command.reason() == state.cancel_reason) return Events{};
    return reject(Code::order_not_cancellable, "The order is cancelled already, for another reason (" +
                                                   state.cancel_reason + "); nothing is left to do.");
  }
  v1::OrderCancelled cancelled;
  cancelled.set_reason(command.reason());
  return Events{std::move(cancelled)};
}

}  // namespace

Decided<std::vector<Event>> Orders::decide(const State& state, const Command& command) {
  return std::visit(overloaded{
                        [&](const v1::PlaceOrder& c) { return place(state, c); },
                        [&](const v1::MarkStockReserved&) { return mark_stock_reserved(state); },
                        [&](const v1::RecordPayment& c) { return record_payment(state, c); },
                        [&](const v1::ConfirmOrder& c) { return confirm(state, c); },
                        [&](const v1::CancelOrder& c) { return cancel(state, c); },
                    },
                    command);
}

Orders::State Orders::evolve(State state, const Event& event) {
  std::visit(
      overloaded{
          [&](const v1::OrderPlaced&) { state.status = Status::pending; },
          [&](const v1::OrderStockReserved&) { state.status = Status::stock_reserved; },
          [&](const v1::OrderPaymentUpdated& e) { state.payment = e.payment(); },
          [&](const v1::OrderConfirmed& e) {
            state.status = Status::confirmed;
            if (e.has_payment()) state.payment = e.payment();
          },
          [&](const v1::OrderCancelled& e) {
            state.status = Status::cancelled;
            state.cancel_reason = e.reason();
          },
          [&](const v1::OrderRefunded& e) { state.status = e.full() ? Status::refunded : Status::partially_refunded; },
      },
      event);
  return state;
}

}  // namespace everfold::orders
