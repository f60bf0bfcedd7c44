// What happened, event by event, of every aggregate of every context: order histories, stock logs, asOf.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/projection.hpp"
#include "schemas/history/v1/views.pb.h"

namespace everfold::history {

// An event of any context, unread: it stays what its type says.
struct AnyEvent {
  std::string_view bytes;
};

// "orders/<id>/000000000007"; its beginning up to the last '/' is the prefix of an aggregate's history.
std::string history_key(std::string_view context, std::string_view aggregate_id, int64_t version);

struct History {
  static constexpr std::string_view name = "history";
  static constexpr std::string_view context = "*";  // all of them
  static constexpr int version = 1;
  static constexpr bool append_only = true;  // a row is one event's own: never read back to be folded
  using Row = v1::HistoryRow;
  using Event = AnyEvent;

  static std::optional<Event> decode(std::string_view type, std::string_view bytes);
  static std::vector<std::string> keys_of(const Event& event, const EventMeta& meta);
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta);
};
static_assert(Projection<History>);

}  // namespace everfold::history
