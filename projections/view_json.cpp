#include "projections/view_json.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "platform/json/object.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::projections {

std::string row_json(const std::string& type, const std::optional<std::string>& bytes) {
  if (!bytes) return "null";
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (!descriptor) return json::quoted("a row of unknown type " + type);
  const std::unique_ptr<google::protobuf::Message> row(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (!row->ParseFromString(*bytes)) return json::quoted("unreadable, " + std::to_string(bytes->size()) + " bytes");
  return json::to_json(*row);
}

namespace {

constexpr std::size_t most_samples = 10;

template <class List, class One>
std::string array(const List& list, One one, std::size_t most = SIZE_MAX) {
  std::string out = "[";
  for (const auto& each : list) {
    if (most-- == 0) break;
    if (out.size() > 1) out += ',';
    out += one(each);
  }
  return out + ']';
}

std::string difference_json(const Difference& difference, const std::string& row_type) {
  json::Object json;
  json.text("key", difference.key);
  if (difference.part == ViewSnapshot::Part::rows)
    return json.json("live", row_json(row_type, difference.live))
        .json("rebuilt", row_json(row_type, difference.rebuilt))
        .str();
  const auto leads_to = [](const std::optional<std::string>& key) { return key ? json::quoted(*key) : "null"; };
  return json.boolean("index", true)
      .json("live", leads_to(difference.live))
      .json("rebuilt", leads_to(difference.rebuilt))
      .str();
}

json::Object counts(std::string_view compared, const Comparison::Counts& counts) {
  json::Object json;
  json.number(compared, counts.compared)
      .number("added", counts.added)
      .number("lost", counts.lost)
      .number("changed", counts.changed);
  return json;
}

json::Object comparison_json(const Comparison& comparison, const std::string& row_type, std::string_view list,
                             std::size_t most) {
  json::Object json = counts("rows", comparison.rows);
  json.json("index", counts("entries", comparison.index).str());
  json.json(list, array(
                      comparison.differences,
                      [&](const Difference& difference) { return difference_json(difference, row_type); }, most));
  return json;
}

std::string build_json(const BuildStatus& build, const std::string& row_type) {
  json::Object json;
  json.number("generation", build.generation)
      .text("kind", to_string(build.order.kind))
      .text("state", to_string(build.phase))
      .number("events", build.events)
      .number("records", build.records)
      .number("total", build.total)
      .number("seconds", build.duration_ms / 1'000)
      .number("rate", static_cast<int64_t>(build.events_per_s))
      .boolean("verifies", build.order.verify)
      .text("switch", build.order.switch_by_itself ? "auto" : "manual")
      .text("actor", build.order.actor);
  const int64_t left = std::max<int64_t>(build.total - build.records, 0);
  if (build.phase == RebuildSteps::Phase::folding && build.events_per_s > 0)
    json.number("etaSeconds", static_cast<int64_t>(static_cast<double>(left) / build.events_per_s));
  if (build.phase == RebuildSteps::Phase::verifying) json.number("compared", build.compared);
  if (build.comparison)
    json.json("verify", comparison_json(*build.comparison, row_type, "samples", most_samples).str());
  if (!build.failure.empty()) json.text("failure", build.failure);
  return json.str();
}

std::string generation_json(const ViewGenerations::Listed& listed, int64_t live, int64_t building) {
  json::Object json;
  json.number("number", listed.number);
  if (listed.code_version) json.number("version", *listed.code_version);
  json.boolean("live", listed.number == live);
  const std::string_view state = listed.number == live       ? "live"
                                 : listed.number == building ? "building"
                                 : listed.order              ? "stopped"
                                                             : "former";
  json.text("state", state);
  if (listed.made_at_ms) json.text("createdAt", format_time(*listed.made_at_ms));
  return json.str();
}

// Records and seconds behind a log's end; nothing where it is not known.
struct Behind {
  std::optional<int64_t> records, seconds;
};

Behind behind_of(int64_t position, const int64_t* end, int64_t last_event_ms, int64_t now_ms) {
  if (!end) return {};
  const int64_t records = std::max<int64_t>(*end - position, 0);
  if (records == 0) return {records, 0};
  if (last_event_ms == 0) return {records, std::nullopt};
  return {records, std::max<int64_t>(now_ms - last_event_ms, 0) / 1'000};
}

std::string number_or_null(std::optional<int64_t> number) { return number ? std::to_string(*number) : "null"; }

std::string partition_json(const LogId& log, int64_t position, const int64_t* end, const Behind& behind) {
  json::Object json;
  json.text("log", to_string(log)).number("position", position);
  if (end) json.number("end", *end).number("lag", *behind.records).json("lagSeconds", number_or_null(behind.seconds));
  return json.str();
}

}  // namespace

std::string view_json(const Projector& projector, const std::string& row_type, const std::map<LogId, int64_t>& ends,
                      int64_t now_ms) {
  const Projector::Status status = projector.status();
  const auto& logs = projector.logs();
  std::string partitions = "[";
  Behind all{0, 0};  // as far as the log that is furthest behind
  for (std::size_t i = 0; i < logs.size(); ++i) {
    const auto found = ends.find(logs[i]);
    const int64_t* end = found == ends.end() ? nullptr : &found->second;
    if (i > 0) partitions += ',';
    const Behind behind = behind_of(status.next_offsets[i], end, status.last_event_ms[i], now_ms);
    partitions += partition_json(logs[i], status.next_offsets[i], end, behind);
    all.records = all.records && behind.records ? std::optional(*all.records + *behind.records) : std::nullopt;
    all.seconds = all.seconds && behind.seconds ? std::optional(std::max(*all.seconds, *behind.seconds)) : std::nullopt;
  }
  const bool under_way = status.build && status.build->under_way();
  json::Object json;
  json.text("name", projector.view())
      .number("version", projector.code_version())
      .number("generation", status.generation)
      .text("state", status.building ? "building"
                     : status.paused ? "paused"
                                     : "live")
      .json("lag", number_or_null(all.records))
      .json("lagSeconds", number_or_null(all.seconds));
  json.number("events", status.events)
      .number("rate", static_cast<int64_t>(status.events_per_s))
      .number("parked", status.parked)
      .json("partitions", partitions + ']');
  const int64_t live = projector.live(), building = under_way ? status.build->generation : 0;
  json.json("generations", array(projector.generations(),
                                 [&](const auto& listed) { return generation_json(listed, live, building); }));
  if (status.build) json.json("rebuild", build_json(*status.build, row_type));
  return json.str();
}

std::string operations_json(const std::vector<StoredEvent>& operations) {
  const auto one = [](const StoredEvent& operation) {
    // "everfold.operations.ViewPaused.v1" is message everfold.operations.v1.ViewPaused, and told as ViewPaused.
    const std::string& type = operation.meta.type;
    const std::size_t end = type.rfind('.'), begin = type.rfind('.', end - 1) + 1;
    const std::string name = type.substr(begin, end - begin);
    return json::Object()
        .text("id", operation.meta.id)
        .text("at", format_time(operation.meta.time_ms))
        .text("type", name)
        .text("view", operation.meta.aggregate_id)
        .text("actor", operation.meta.actor)
        .text("correlationId", operation.meta.correlation_id)
        .json("data", row_json(type.substr(0, begin) + type.substr(end + 1) + "." + name, operation.bytes))
        .str();
  };
  return "{\"operations\":" + array(operations, one) + "}";
}

std::string differences_json(const Comparison& comparison, const std::string& row_type) {
  return comparison_json(comparison, row_type, "differences", SIZE_MAX).str();
}

}  // namespace everfold::projections
