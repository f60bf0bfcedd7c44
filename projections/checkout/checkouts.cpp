#include "projections/checkout/checkouts.hpp"

#include "kernel/overloaded.hpp"
#include "projections/timestamp.hpp"

namespace everfold::checkout {
namespace {

using Row = v1::CheckoutRow;

enum class Effect { none, opens, closes };  // none: of a row that is there

// A checkout that was over is open again when its order is cancelled, or when money that came too late is stuck.
Effect effect_of(const Event& event) {
  const auto none = Effect::none, opens = Effect::opens, closes = Effect::closes;
  return std::visit(overloaded{
                        [&](const v1::CheckoutStarted&) { return opens; },
                        [&](const v1::StockRequested&) { return none; },
                        [&](const v1::TimeoutScheduled&) { return none; },
                        [&](const v1::StockSecured&) { return none; },
                        [&](const v1::StockRefused&) { return none; },
                        [&](const v1::PaymentAsked&) { return none; },
                        [&](const v1::PaymentSecured&) { return none; },
                        [&](const v1::PaymentFailed&) { return none; },
                        [&](const v1::StockCommitRequested&) { return none; },
                        [&](const v1::OrderConfirmationRequested&) { return none; },
                        [&](const v1::CheckoutCompleted&) { return closes; },
                        [&](const v1::CompensationStarted&) { return opens; },
                        [&](const v1::StockReleaseRequested&) { return none; },
                        [&](const v1::StockReturnRequested&) { return none; },
                        [&](const v1::PaymentReversalRequested&) { return none; },
                        [&](const v1::PaymentSettled&) { return none; },
                        [&](const v1::OrderCancellationRequested&) { return none; },
                        [&](const v1::CheckoutCancelled&) { return closes; },
                        [&](const v1::PaymentReversalFailed&) { return none; },
                        [&](const v1::CompensationFailed&) { return opens; },
                    },
                    event);
}

template <class Event>
void undo(Row& row, Row::State state, const Event& event) {
  row.set_state(state);
  row.set_reason(event.reason());
}

}  // namespace

std::vector<std::string> Checkouts::keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }

std::optional<Row> Checkouts::fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
  const Effect effect = effect_of(event);
  if (effect == Effect::closes || (!row && effect == Effect::none)) return std::nullopt;
  if (!row) {
    row.emplace().set_id(meta.aggregate_id);
    set_time(*row->mutable_created_at(), meta.time_ms);
  }
  row->set_version(meta.version);
  set_time(*row->mutable_updated_at(), meta.time_ms);
  if (std::holds_alternative<v1::CheckoutStarted>(event)) row->set_state(Row::RESERVING);
  if (std::holds_alternative<v1::PaymentAsked>(event)) row->set_state(Row::PAYING);
  if (const auto* started = std::get_if<v1::CompensationStarted>(&event)) undo(*row, Row::COMPENSATING, *started);
  if (const auto* failed = std::get_if<v1::CompensationFailed>(&event)) undo(*row, Row::COMPENSATION_FAILED, *failed);
  // Poked.
  if (std::holds_alternative<v1::PaymentReversalRequested>(event)) row->set_state(Row::COMPENSATING);
  return row;
}

}  // namespace everfold::checkout
