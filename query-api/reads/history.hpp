// The history view: every event of every aggregate, in order. What a row looked like at a time is its view's fold over
// the events until then.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/meta.hpp"
#include "kernel/projection.hpp"
#include "platform/json/write.hpp"
#include "projections/history/history.hpp"
#include "projections/timestamp.hpp"
#include "query-api/reads/stored_rows.hpp"
#include "runtime/views/views.hpp"
#include "schemas/history/v1/views.pb.h"

namespace everfold::query {

inline constexpr int64_t end_of_time_ms = std::numeric_limits<int64_t>::max();

using VisitHistory = std::function<bool(const history::v1::HistoryRow&)>;  // false: enough

// In order, oldest first.
void visit_history(const ViewReader& history, std::string_view context, std::string_view aggregate_id,
                   const VisitHistory& visit);
// The version of the newest event, which is how many there are; 0: none.
int64_t newest_version(const ViewReader& history, std::string_view context, std::string_view aggregate_id);
EventMeta meta_of(const history::v1::HistoryRow& row, std::string_view context, std::string_view aggregate_id);
// {"sequence", "type", "at", "actor"?, "correlationId", "data"}
std::string history_item(const history::v1::HistoryRow& row, const std::string& data);

// An event that this program is too old to know.
class UnreadableEvent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UnreadableEvent.
template <class Event>
Event event_of(const history::v1::HistoryRow& row) {
  auto event = decode<Event>(row.event_type(), row.event());
  if (!event)
    throw UnreadableEvent("this version cannot read event " + std::to_string(row.version()) + " (" + row.event_type() +
                          "): the version that wrote it can; try again when it runs");
  return *std::move(event);
}

// Nothing: it was not there then. Stops at the first event that is later, so that the row is one that there really was,
// even where two clocks disagree.
template <Projection View>
std::optional<typename View::Row> row_as_of(const ViewReader& history, const std::string& id, int64_t as_of_ms) {
  std::optional<typename View::Row> row;
  visit_history(history, View::context, id, [&](const history::v1::HistoryRow& event) {
    if (time_ms(event.at()) > as_of_ms) return false;
    row = View::fold(std::move(row), event_of<typename View::Event>(event), meta_of(event, View::context, id));
    return true;
  });
  return row;
}

// As it was written, a former version's too: the history is what lies in the log.
template <class Event>
std::string data_of(const history::v1::HistoryRow& row) {
  return std::visit([](const auto& message) { return json::to_json(message); }, event_of<AsWritten<Event>>(row));
}

template <Projection View>
std::vector<std::string> history_items(const ViewReader& history, const std::string& id) {
  std::vector<std::string> items;
  visit_history(history, View::context, id, [&](const history::v1::HistoryRow& row) {
    items.push_back(history_item(row, data_of<typename View::Event>(row)));
    return true;
  });
  return items;
}

}  // namespace everfold::query
