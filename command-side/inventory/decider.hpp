// The stock of one SKU: what is on hand, and how much of that is promised to orders. The aggregate's id is the SKU.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "kernel/decider.hpp"
#include "schemas/inventory/events.hpp"
#include "schemas/inventory/v1/commands.pb.h"

namespace everfold::inventory {

struct Inventory {
  static constexpr std::string_view context = "inventory";
  static constexpr int snapshot_version = 1;

  struct State {
    bool known = false;  // something was ever said about this SKU
    int64_t on_hand = 0;
    int64_t reserved = 0;  // the sum of the open reservations; 0 ≤ reserved ≤ on_hand
    int64_t low_stock_threshold = 0;
    std::unordered_map<std::string, int64_t> open_reservations;  // order id → quantity

    int64_t available() const { return on_hand - reserved; }
    bool operator==(const State&) const = default;
  };
  using Command = std::variant<v1::ReceiveStock, v1::AdjustStock, v1::SetLowStockThreshold, v1::ReserveStock,
                               v1::ReleaseStock, v1::CommitStock, v1::ReturnStock>;
  using Event = inventory::Event;

  static Decided<std::vector<Event>> decide(const State& state, const Command& command);
  static State evolve(State state, const Event& event);

  // A SKU that sells well has a long history: its state is saved now and then (schemas/inventory/v1/snapshot.proto).
  static std::string save(const State& state);
  static std::optional<State> load(std::string_view bytes);  // nothing: not a snapshot that makes sense
};
static_assert(Snapshotting<Inventory>);

}  // namespace everfold::inventory
