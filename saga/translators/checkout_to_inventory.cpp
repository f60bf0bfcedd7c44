#include "saga/translators/checkout_to_inventory.hpp"

#include "kernel/overloaded.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/inventory/v1/commands.pb.h"

namespace everfold::checkout_to_inventory {
namespace {

using checkout::v1::StockLine;

template <class Message>
Message command_for(const std::string& order_id) {
  Message command;
  command.set_order_id(order_id);
  return command;
}

template <class Message>
Message command_with_quantity(const std::string& order_id, const StockLine& line) {
  Message command = command_for<Message>(order_id);
  command.set_quantity(line.quantity());
  return command;
}

}  // namespace

Decided<Commands> react(const StoredEvent& event) {
  const Translation translation(event.meta, "process:checkout");
  const std::string& order_id = event.meta.aggregate_id;
  const auto each_line = [&](const auto& asked, const auto& command_of_line) {
    Commands commands;
    commands.reserve(static_cast<std::size_t>(asked.lines_size()));
    for (const StockLine& line : asked.lines()) commands.push_back(command_of_line(line));
    return commands;
  };
  return translate<checkout::Event>(
      event, overloaded{
                 [](const checkout::v1::CheckoutStarted&) { return Commands{}; },
                 [&](const checkout::v1::StockRequested& asked) {
                   return each_line(asked, [&](const StockLine& line) {
                     return translation.once(line.sku(), command_with_quantity<inventory::v1::ReserveStock>(order_id, line));
                   });
                 },
                 [](const checkout::v1::TimeoutScheduled&) { return Commands{}; },
                 [](const checkout::v1::StockSecured&) { return Commands{}; },
                 [](const checkout::v1::StockRefused&) { return Commands{}; },
                 [](const checkout::v1::PaymentAsked&) { return Commands{}; },
                 [](const checkout::v1::PaymentSecured&) { return Commands{}; },
                 [](const checkout::v1::PaymentFailed&) { return Commands{}; },
                 [&](const checkout::v1::StockCommitRequested& asked) {
                   return each_line(asked, [&](const StockLine& line) {
                     return translation.to(line.sku(), command_for<inventory::v1::CommitStock>(order_id));
                   });
                 },
                 [](const checkout::v1::OrderConfirmationRequested&) { return Commands{}; },
                 [](const checkout::v1::CheckoutCompleted&) { return Commands{}; },
                 [](const checkout::v1::CompensationStarted&) { return Commands{}; },
                 [&](const checkout::v1::StockReleaseRequested& asked) {
                   return each_line(asked, [&](const StockLine& line) {
                     return translation.to(line.sku(), command_for<inventory::v1::ReleaseStock>(order_id));
                   });
                 },
                 [&](const checkout::v1::StockReturnRequested& asked) {
                   return each_line(asked, [&](const StockLine& line) {
                     return translation.to(line.sku(), command_with_quantity<inventory::v1::ReturnStock>(order_id, line));
                   });
                 },
                 [](const checkout::v1::PaymentReversalRequested&) { return Commands{}; },
                 [](const checkout::v1::PaymentSettled&) { return Commands{}; },
                 [](const checkout::v1::OrderCancellationRequested&) { return Commands{}; },
                 [](const checkout::v1::CheckoutCancelled&) { return Commands{}; },
                 [](const checkout::v1::PaymentReversalFailed&) { return Commands{}; },
                 [](const checkout::v1::CompensationFailed&) { return Commands{}; },
             });
}

}  // namespace everfold::checkout_to_inventory
