#include "projections/payments/payments.hpp"

#include <algorithm>

#include "kernel/overloaded.hpp"
#include "projections/timestamp.hpp"

namespace everfold::payments {
namespace {

void request(v1::PaymentRow& row, const v1::PaymentRequested& event) {
  row.set_order_id(event.order_id());
  if (event.has_customer_id()) row.set_customer_id(event.customer_id());
  row.set_provider(event.provider());
  row.set_method(event.method());
  row.set_status(v1::PaymentRow::REQUESTED);
  *row.mutable_amount() = event.amount();
  row.mutable_captured()->set_currency(event.amount().currency());
  row.mutable_refunded()->set_currency(event.amount().currency());
}

// The payer has nothing to do any more.
void settle(v1::PaymentRow& row, v1::PaymentRow::Status status) {
  row.set_status(status);
  row.clear_redirect_url();
  row.clear_decline_reason();
}

void ask_refund(v1::PaymentRow& row, const v1::RefundRequested& event) {
  v1::PaymentRow::Refund& refund = *row.add_refunds();
  refund.set_id(event.refund_id());
  *refund.mutable_amount() = event.amount();
  refund.set_reason(event.reason());
  refund.set_status(v1::PaymentRow::Refund::REQUESTED);
}

void close_refund(v1::PaymentRow& row, const std::string& refund_id, v1::PaymentRow::Refund::Status status) {
  const auto found = std::find_if(row.mutable_refunds()->begin(), row.mutable_refunds()->end(),
                                  [&](const v1::PaymentRow::Refund& refund) { return refund.id() == refund_id; });
  if (found != row.mutable_refunds()->end()) found->set_status(status);
}

}  // namespace

std::vector<std::string> Payments::keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }

std::optional<Payments::Row> Payments::fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
  if (!row) {
    row.emplace().set_id(meta.aggregate_id);
    set_time(*row->mutable_created_at(), meta.time_ms);
  }
  row->set_version(meta.version);
  set_time(*row->mutable_updated_at(), meta.time_ms);
  std::visit(overloaded{
                 [&](const v1::PaymentRequested& e) { request(*row, e); },
                 [&](const v1::PaymentPending& e) {
                   row->set_status(v1::PaymentRow::PENDING);
                   if (e.has_redirect_url()) row->set_redirect_url(e.redirect_url());
                 },
                 [&](const v1::PaymentCaptured& e) {
                   settle(*row, v1::PaymentRow::CAPTURED);
                   *row->mutable_captured() = e.amount();
                 },
                 [&](const v1::PaymentDeclined& e) {
                   settle(*row, v1::PaymentRow::DECLINED);
                   row->set_decline_reason(e.reason());
                 },
                 [&](const v1::PaymentVoided&) { settle(*row, v1::PaymentRow::VOIDED); },
                 [&](const v1::RefundRequested& e) { ask_refund(*row, e); },
                 [&](const v1::PaymentRefunded& e) {
                   row->set_status(e.full() ? v1::PaymentRow::REFUNDED : v1::PaymentRow::PARTIALLY_REFUNDED);
                   row->mutable_refunded()->set_amount(row->refunded().amount() + e.amount().amount());
                   close_refund(*row, e.refund_id(), v1::PaymentRow::Refund::DONE);
                 },
                 [&](const v1::RefundFailed& e) { close_refund(*row, e.refund_id(), v1::PaymentRow::Refund::FAILED); },
                 [&](const v1::WrongAmountCaptured& e) {
                   settle(*row, v1::PaymentRow::CAPTURED);
                   *row->mutable_captured() = e.amount();
                   row->mutable_refunded()->set_currency(e.amount().currency());
                 },
                 [](const v1::ReversalRequested&) {},
                 [](const v1::ReversalFailed&) {},
             },
             event);
  return row;
}

}  // namespace everfold::payments
