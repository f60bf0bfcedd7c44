#include "command-side/inventory/decider.hpp"

#include <cstddef>
#include <utility>

#include "kernel/codec.hpp"
#include "kernel/fields.hpp"
#include "kernel/overloaded.hpp"
#include "schemas/inventory/v1/snapshot.pb.h"

namespace everfold::inventory {
namespace {

using State = Inventory::State;
using Events = std::vector<Event>;

constexpr int64_t max_on_hand = 1'000'000'000'000;
constexpr std::size_t max_note = 200;

// Every event carries the levels that it leaves behind.
template <class StockEvent>
Events with_levels(StockEvent event, int64_t on_hand, int64_t reserved) {
  event.set_on_hand(on_hand);
  event.set_reserved(reserved);
  return {Event(std::move(event))};
}

template <class StockEvent>
StockEvent about_order(const std::string& order_id, int64_t quantity) {
  StockEvent event;
  event.set_order_id(order_id);
  event.set_quantity(quantity);
  return event;
}

Rejection no_stock() {
  return reject(Code::not_found, "Nothing is known about the stock of this SKU; receive some of it first.");
}

Rejection too_much(const char* field) {
  return reject_about(Code::amount_out_of_range, field,
                      "More than 1000000000000 would be on hand; use a smaller number.");
}

int64_t open_quantity(const State& state, const std::string& order_id) {
  const auto open = state.open_reservations.find(order_id);
  return open == state.open_reservations.end() ? 0 : open->second;
}

Decided<Events> receive(const State& state, const v1::ReceiveStock& command) {
  FieldCheck fields;
  fields.number("quantity", command.quantity(), 1, max_quantity).text("reference", command.reference(), max_note);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  const int64_t on_hand = state.on_hand + command.quantity();
  if (on_hand > max_on_hand) return too_much("quantity");
  v1::StockReceived received;
  received.set_quantity(command.quantity());
  if (!command.reference().empty()) received.set_reference(command.reference());
  return with_levels(std::move(received), on_hand, state.reserved);
}

Decided<Events> adjust(const State& state, const v1::AdjustStock& command) {
  if (!state.known) return no_stock();
  FieldCheck fields;
  fields.that(command.delta() != 0, "delta", "must not be 0")
      .number("delta", command.delta(), -max_on_hand, max_on_hand)
      .required_text("reason", command.reason(), max_note);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  const int64_t on_hand = state.on_hand + command.delta();
  // Only a step down can be too far down: a step up is never refused for what is reserved.
  if (command.delta() < 0 && on_hand < state.reserved)
    return reject_about(Code::insufficient_stock, "delta",
                        "Only " + std::to_string(state.available()) + " of the " + std::to_string(state.on_hand) +
                            " on hand are not reserved; take away at most those.");
  if (command.delta() > 0 && on_hand > max_on_hand) return too_much("delta");
  v1::StockAdjusted adjusted;
  adjusted.set_delta(command.delta());
  adjusted.set_reason(command.reason());
  return with_levels(std::move(adjusted), on_hand, state.reserved);
}

Decided<Events> set_threshold(const State& state, const v1::SetLowStockThreshold& command) {
  if (!state.known) return no_stock();
  FieldCheck fields;
  fields.number("lowStock", command.low_stock(), 0, max_on_hand);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (command.low_stock() == state.low_stock_threshold) return Events{};
  v1::LowStockThresholdSet set;
  set.set_threshold(command.low_stock());
  return with_levels(std::move(set), state.on_hand, state.reserved);
}

// Too little on the shelf is no refusal but an event: the checkout must see it. So is a SKU that nobody ever received.
Decided<Events> reserve(const State& state, const v1::ReserveStock& command) {
  FieldCheck fields;
  fields.that(!command.order_id().empty(), "orderId", "must be given")
      .number("quantity", command.quantity(), 1, max_on_hand);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  if (open_quantity(state, command.order_id()) > 0) return Events{};
  if (command.quantity() > state.available())
    return with_levels(about_order<v1::StockReservationRejected>(command.order_id(), command.quantity()), state.on_hand,
                       state.reserved);
  return with_levels(about_order<v1::StockReserved>(command.order_id(), command.quantity()), state.on_hand,
                     state.reserved + command.quantity());
}

Decided<Events> release(const State& state, const v1::ReleaseStock& command) {
  if (!state.known) return no_stock();
  const int64_t open = open_quantity(state, command.order_id());
  if (open == 0) return Events{};
  return with_levels(about_order<v1::StockReleased>(command.order_id(), open), state.on_hand, state.reserved - open);
}

Decided<Events> commit(const State& state, const v1::CommitStock& command) {
  if (!state.known) return no_stock();
  const int64_t open = open_quantity(state, command.order_id());
  if (open == 0) return Events{};
  return with_levels(about_order<v1::StockCommitted>(command.order_id(), open), state.on_hand - open,
                     state.reserved - open);
}

// Not held to max_on_hand: the goods are there, whatever was received since they were sold.
Decided<Events> take_back(const State& state, const v1::ReturnStock& command) {
  if (!state.known) return no_stock();
  FieldCheck fields;
  fields.that(!command.order_id().empty(), "orderId", "must be given")
      .number("quantity", command.quantity(), 1, max_on_hand);
  if (auto wrong = fields.rejection()) return *std::move(wrong);
  return with_levels(about_order<v1::StockReturned>(command.order_id(), command.quantity()),
                     state.on_hand + command.quantity(), state.reserved);
}

template <class StockEvent>
void take_levels(State& state, const StockEvent& event) {
  state.known = true;
  state.on_hand = event.on_hand();
  state.reserved = event.reserved();
}

}  // namespace

Decided<std::vector<Event>> Inventory::decide(const State& state, const Command& command) {
  return std::visit(overloaded{
                        [&](const v1::ReceiveStock& c) { return receive(state, c); },
                        [&](const v1::AdjustStock& c) { return adjust(state, c); },
                        [&](const v1::SetLowStockThreshold& c) { return set_threshold(state, c); },
                        [&](const v1::ReserveStock& c) { return reserve(state, c); },
                        [&](const v1::ReleaseStock& c) { return release(state, c); },
                        [&](const v1::CommitStock& c) { return commit(state, c); },
                        [&](const v1::ReturnStock& c) { return take_back(state, c); },
                    },
                    command);
}

Inventory::State Inventory::evolve(State state, const Event& event) {
  std::visit(overloaded{
                 [&](const v1::StockReceived& e) { take_levels(state, e); },
                 [&](const v1::StockAdjusted& e) { take_levels(state, e); },
                 [&](const v1::LowStockThresholdSet& e) {
                   take_levels(state, e);
                   state.low_stock_threshold = e.threshold();
                 },
                 [&](const v1::StockReserved& e) {
                   take_levels(state, e);
                   state.open_reservations[e.order_id()] = e.quantity();
                 },
                 [&](const v1::StockReservationRejected& e) { take_levels(state, e); },
                 [&](const v1::StockReleased& e) {
                   take_levels(state, e);
                   state.open_reservations.erase(e.order_id());
                 },
                 [&](const v1::StockCommitted& e) {
                   take_levels(state, e);
                   state.open_reservations.erase(e.order_id());
                 },
                 [&](const v1::StockReturned& e) { take_levels(state, e); },
             },
             event);
  return state;
}

std::string Inventory::save(const State& state) {
  v1::StockSnapshot snapshot;
  snapshot.set_on_hand(state.on_hand);
  snapshot.set_reserved(state.reserved);
  snapshot.set_low_stock_threshold(state.low_stock_threshold);
  for (const auto& [order_id, quantity] : state.open_reservations)
    (*snapshot.mutable_open_reservations())[order_id] = quantity;
  return bytes_of(snapshot);
}

// Only an aggregate that has events is saved, so what is loaded is known.
std::optional<Inventory::State> Inventory::load(std::string_view bytes) {
  v1::StockSnapshot snapshot;
  if (!snapshot.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  State state{true, snapshot.on_hand(), snapshot.reserved(), snapshot.low_stock_threshold(), {}};
  int64_t open = 0;
  for (const auto& [order_id, quantity] : snapshot.open_reservations()) {
    state.open_reservations.emplace(order_id, quantity);
    open += quantity;
  }
  if (open != state.reserved || state.reserved < 0 || state.on_hand < state.reserved) return std::nullopt;
  return state;
}

}  // namespace everfold::inventory
