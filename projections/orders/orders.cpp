#include "projections/orders/orders.hpp"

#include "kernel/overloaded.hpp"
#include "projections/timestamp.hpp"

namespace everfold::orders {
namespace {

void place(v1::OrderRow& row, const v1::OrderPlaced& event, const EventMeta& meta) {
  row.set_order_number(event.order_number());
  if (event.has_customer_id()) row.set_customer_id(event.customer_id());
  row.set_cart_id(event.cart_id());
  row.set_status(v1::OrderRow::PENDING);
  *row.mutable_lines() = event.lines();
  *row.mutable_subtotal() = event.subtotal();
  *row.mutable_discount() = event.discount();
  *row.mutable_shipping() = event.shipping();
  *row.mutable_total() = event.total();
  set_time(*row.mutable_placed_at(), meta.time_ms);
}

void set_payment(v1::OrderRow& row, const v1::OrderPayment& payment) {
  v1::OrderRow::Payment& shown = *row.mutable_payment();
  shown.set_id(payment.id());
  shown.set_status(payment.status());
  shown.clear_redirect_url();
  if (payment.has_redirect_url()) shown.set_redirect_url(payment.redirect_url());
}

}  // namespace

std::vector<std::string> Orders::keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }

std::optional<Orders::Row> Orders::fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
  if (!row) row.emplace().set_id(meta.aggregate_id);
  row->set_version(meta.version);
  set_time(*row->mutable_updated_at(), meta.time_ms);
  std::visit(overloaded{
                 [&](const v1::OrderPlaced& e) { place(*row, e, meta); },
                 [&](const v1::OrderStockReserved&) { row->set_status(v1::OrderRow::STOCK_RESERVED); },
                 [&](const v1::OrderPaymentUpdated& e) { set_payment(*row, e.payment()); },
                 [&](const v1::OrderConfirmed& e) {
                   row->set_status(v1::OrderRow::CONFIRMED);
                   if (e.has_payment()) set_payment(*row, e.payment());
                 },
                 [&](const v1::OrderCancelled& e) {
                   row->set_status(v1::OrderRow::CANCELLED);
                   row->mutable_cancellation()->set_reason(e.reason());
                 },
                 [&](const v1::OrderRefunded& e) {
                   row->set_status(e.full() ? v1::OrderRow::REFUNDED : v1::OrderRow::PARTIALLY_REFUNDED);
                 },
             },
             event);
  return row;
}

std::vector<std::string> Orders::index_keys_of(const Row& row) {
  const std::string by_time = index_time(row.placed_at()) + "/" + row.id();
  std::vector<std::string> keys{"placed/" + by_time};
  if (row.has_customer_id()) keys.push_back("customer/" + row.customer_id() + "/" + by_time);
  return keys;
}

}  // namespace everfold::orders
