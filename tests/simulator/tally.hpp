// A view that no event can be folded into twice, or left out, without its showing; with an index that moves at every event.
#pragma once

#include "kernel/projection.hpp"
#include "schemas/inventory/v1/views.pb.h"

namespace everfold::simulator {

struct Tally {
  static constexpr std::string_view name = "tally";
  static constexpr std::string_view context = "*";
  static constexpr int version = 1;
  struct Event {
    std::string_view bytes;
  };
  using Row = inventory::v1::StockRow;  // borrowed: on_hand counts events, reserved adds their versions up

  static std::optional<Event> decode(std::string_view, std::string_view bytes) { return Event{bytes}; }
  static std::vector<std::string> keys_of(const Event&, const EventMeta& meta) { return {meta.context + "/" + meta.aggregate_id}; }
  static std::optional<Row> fold(std::optional<Row> row, const Event&, const EventMeta& meta) {
    Row next = row.value_or(Row{});
    next.set_sku(meta.context + "/" + meta.aggregate_id);
    next.set_on_hand(next.on_hand() + 1);
    next.set_reserved(next.reserved() + meta.version);
    return next;
  }
  static std::vector<std::string> index_keys_of(const Row& row) { return {std::to_string(row.on_hand()) + "/" + row.sku()}; }
};
static_assert(Indexed<Tally>);

}  // namespace everfold::simulator
