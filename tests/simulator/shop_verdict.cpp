// What the shop is worth at the end: goods and money neither made nor lost, and every checkout over.
#include "command-side/inventory/decider.hpp"
#include "command-side/orders/decider.hpp"
#include "command-side/payments/decider.hpp"
#include "kernel/ids.hpp"
#include "kernel/overloaded.hpp"
#include "saga/checkout/decider.hpp"
#include "tests/simulator/verdict.hpp"

namespace everfold::simulator {
namespace {

template <Decider D>
typename D::State state_of(const AcceptedHistory& history, const std::string& id) {
  typename D::State state;
  const auto commits = history.by_aggregate.find({std::string(D::context), id});
  if (commits == history.by_aggregate.end()) return state;
  for (const AcceptedCommit* commit : commits->second)
    for (const StoredEvent& event : commit->events)
      state = D::evolve(std::move(state), decode<typename D::Event>(event.meta.type, event.bytes).value());
  return state;
}

int64_t on_hand_by_the_log(const std::vector<const AcceptedCommit*>& commits) {
  int64_t sum = 0;
  for (const AcceptedCommit* commit : commits)
    for (const StoredEvent& event : commit->events)
      std::visit(overloaded{
                     [&](const inventory::v1::StockReceived& e) { sum += e.quantity(); },
                     [&](const inventory::v1::StockAdjusted& e) { sum += e.delta(); },
                     [&](const inventory::v1::LowStockThresholdSet&) {},
                     [&](const inventory::v1::StockReserved&) {},
                     [&](const inventory::v1::StockReservationRejected&) {},
                     [&](const inventory::v1::StockReleased&) {},
                     [&](const inventory::v1::StockCommitted& e) { sum -= e.quantity(); },
                     [&](const inventory::v1::StockReturned& e) { sum += e.quantity(); },
                 },
                 decode<inventory::Event>(event.meta.type, event.bytes).value());
  return sum;
}

void judge_stock(const World& world, const AcceptedHistory& history, const std::string& sku,
                 const std::vector<const AcceptedCommit*>& commits) {
  const auto state = state_of<inventory::Inventory>(history, sku);
  int64_t open = 0;
  for (const auto& [order, quantity] : state.open_reservations) open += quantity;
  if (state.reserved != open || state.reserved < 0 || state.on_hand < state.reserved)
    throw Violation{"of " + sku + " " + std::to_string(state.reserved) + " are reserved, by reservations of " + std::to_string(open) +
                    ", and " + std::to_string(state.on_hand) + " on hand"};
  if (state.on_hand != on_hand_by_the_log(commits)) throw Violation{"the stock of " + sku + " is not the sum of its log"};
  if (world.plan().saga && open > 0) throw Violation{sku + " is still reserved though every checkout is over"};
}

void judge_order(const World& world, const AcceptedHistory& history, const std::string& id) {
  using Phase = checkout::Checkout::Phase;
  const auto order = state_of<orders::Orders>(history, id);
  if (order.status == orders::Orders::Status::none) return;
  const auto checkout = state_of<checkout::Checkout>(history, id);
  if (checkout.phase != Phase::completed && checkout.phase != Phase::cancelled) throw Violation{"the checkout of " + id + " never ended"};
  const bool sold = checkout.phase == Phase::completed;
  if (sold == (order.status == orders::Orders::Status::cancelled) || order.status == orders::Orders::Status::pending ||
      order.status == orders::Orders::Status::stock_reserved)
    throw Violation{id + " and its checkout ended differently"};
  const std::string payment_id = payment_id_of_order(id);
  const auto payment = state_of<payments::Payments>(history, payment_id);
  int64_t returned = 0;
  for (const auto& [refund, details] : payment.refunds)
    if (const auto done = world.ledger().till.returned.find(refund); done != world.ledger().till.returned.end()) returned += done->second;
  const auto taken = world.ledger().till.taken.find(payment_id);
  const int64_t money = taken == world.ledger().till.taken.end() ? 0 : taken->second;
  if (money != payment.captured || returned != payment.refunded || payment.refunding != 0)
    throw Violation{"the provider took " + std::to_string(money) + " for " + id + " and returned " + std::to_string(returned) +
                    "; the payment says " + std::to_string(payment.captured) + " and " + std::to_string(payment.refunded)};
  if (payment.left() != (sold ? checkout.order.total().amount() : 0))
    throw Violation{"the shop keeps " + std::to_string(payment.left()) + " of " + id + ", which is " + (sold ? "sold" : "cancelled")};
}

}  // namespace

void judge_shop(const World& world, const AcceptedHistory& history) {
  for (const auto& [id, commits] : history.by_aggregate) {
    if (id.context == "inventory") judge_stock(world, history, id.id, commits);
    if (id.context == "orders") judge_order(world, history, id.id);
  }
}

}  // namespace everfold::simulator
