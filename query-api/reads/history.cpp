#include "query-api/reads/history.hpp"

#include "runtime/log/stored_event.hpp"

namespace everfold::query {

namespace {

std::string prefix_of(std::string_view context, std::string_view aggregate_id) {
  auto key = history::history_key(context, aggregate_id, 0);
  key.resize(key.rfind('/') + 1);
  return key;
}

// Rows whose key starts with the prefix may be of another aggregate, one with a '/' in its id: their keys are longer.
ViewReader::Visit only_of(std::string_view context, std::string_view aggregate_id, const VisitHistory& visit) {
  const auto size = history::history_key(context, aggregate_id, 0).size();
  return [size, &visit](std::string_view key, std::string_view bytes) {
    return key.size() != size || visit(parsed_row<history::v1::HistoryRow>(key, bytes));
  };
}

}  // namespace

void visit_history(const ViewReader& history, std::string_view context, std::string_view aggregate_id,
                   const VisitHistory& visit) {
  history.rows(prefix_of(context, aggregate_id), {}, only_of(context, aggregate_id, visit));
}

int64_t newest_version(const ViewReader& history, std::string_view context, std::string_view aggregate_id) {
  int64_t version = 0;
  const VisitHistory first_only = [&version](const history::v1::HistoryRow& row) {
    version = row.version();
    return false;
  };
  history.rows_backwards(prefix_of(context, aggregate_id), only_of(context, aggregate_id, first_only));
  return version;
}

EventMeta meta_of(const history::v1::HistoryRow& row, std::string_view context, std::string_view aggregate_id) {
  EventMeta meta;
  meta.id = row.event_id();
  meta.type = row.event_type();
  meta.context = context;
  meta.aggregate_id = aggregate_id;
  meta.version = row.version();
  meta.time_ms = time_ms(row.at());
  meta.correlation_id = row.correlation_id();
  meta.causation_id = row.causation_id();
  meta.actor = row.actor();
  return meta;
}

std::string history_item(const history::v1::HistoryRow& row, const std::string& data) {
  std::string item = "{\"sequence\":" + std::to_string(row.version()) + ",\"type\":" + json::quoted(row.type()) +
                     ",\"at\":" + json::quoted(format_time(time_ms(row.at())));
  if (row.has_actor()) item += ",\"actor\":" + json::quoted(row.actor());
  item += ",\"correlationId\":" + json::quoted(row.correlation_id()) + ",\"data\":" + data + '}';
  return item;
}

}  // namespace everfold::query
