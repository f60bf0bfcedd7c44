#include "projections/history/history.hpp"

#include <cstdio>

#include "projections/timestamp.hpp"

namespace everfold::history {
namespace {

// "everfold.orders.OrderPlaced.v1" → "OrderPlaced"; of a later version "OrderPlaced.v2": another shape has another name.
std::string_view short_name(std::string_view type) {
  const std::size_t version = type.rfind('.');
  if (version == type.npos || version == 0) return type;
  const std::size_t package = type.rfind('.', version - 1);
  if (package == type.npos) return type;
  const std::string_view name = type.substr(package + 1);
  return name.ends_with(".v1") ? name.substr(0, name.size() - 3) : name;
}

}  // namespace

std::string history_key(std::string_view context, std::string_view aggregate_id, int64_t version) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "/%012lld", static_cast<long long>(version));
  std::string key;
  key.reserve(context.size() + aggregate_id.size() + 14);
  return key.append(context).append("/").append(aggregate_id).append(digits);
}

std::optional<AnyEvent> History::decode(std::string_view, std::string_view bytes) { return AnyEvent{bytes}; }

std::vector<std::string> History::keys_of(const Event&, const EventMeta& meta) {
  return {history_key(meta.context, meta.aggregate_id, meta.version)};
}

std::optional<History::Row> History::fold(std::optional<Row>, const Event& event, const EventMeta& meta) {
  Row row;
  row.set_type(std::string(short_name(meta.type)));
  set_time(*row.mutable_at(), meta.time_ms);
  if (!meta.actor.empty()) row.set_actor(meta.actor);
  row.set_correlation_id(meta.correlation_id);
  row.set_version(meta.version);
  row.set_event_id(meta.id);
  row.set_causation_id(meta.causation_id);
  row.set_event_type(meta.type);
  row.set_event(std::string(event.bytes));
  return row;
}

}  // namespace everfold::history
