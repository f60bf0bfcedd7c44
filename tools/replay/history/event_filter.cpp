#include "tools/replay/history/event_filter.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

std::string text_of_file(const std::string& path, std::string_view option) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) throw UsageError(std::string(option) + ": can't read " + path);
  return std::move(text).str();
}

// A misspelt type must not look like one that never happened. Former versions of a type are in the logs, but not among
// today's: they are known by the name that all versions have.
std::set<std::string> contexts_of_types(const std::vector<std::string>& names) {
  std::set<std::string> contexts;
  for (const std::string& name : names) {
    const bool whole = name.find('.') != std::string::npos;
    bool known = false;
    for (const EventType& type : event_types()) {
      if ((whole ? short_type(name) : name) != short_type(type.type)) continue;
      if (whole && !name.starts_with("everfold." + type.context + ".")) continue;
      known = true;
      contexts.insert(type.context);
    }
    if (!known)
      throw UsageError(
          "--type " + name +
          " is no event of this version: give a name such as OrderPlaced or everfold.orders.OrderPlaced.v1");
  }
  return contexts;
}

// Logs that are not named are not read.
std::map<LogId, std::pair<int64_t, int64_t>> only(std::map<LogId, std::pair<int64_t, int64_t>> offsets,
                                                  History& history) {
  const auto logs = history.logs();
  for (const auto& [log, range] : offsets)
    if (std::find(logs.begin(), logs.end(), log) == logs.end())
      throw UsageError("--offsets names " + to_string(log) + ", which is no log here");
  for (const LogId& log : logs) offsets.try_emplace(log, 0, 0);
  return offsets;
}

}  // namespace

void add_filter_options(CLI::App& app, FilterOptions& options) {
  app.add_option("--context", options.contexts,
                 "Only of these contexts (catalog, inventory, carts, orders, payments, checkout)")
      ->delimiter(',')
      ->check(CLI::IsMember(event_contexts()));
  app.add_option("--type", options.types, "Only of these types: OrderPlaced, everfold.orders.OrderPlaced.v1")
      ->delimiter(',');
  app.add_option("--aggregate", options.aggregate, "Only of the aggregate with this id, in every context that has it");
  app.add_option("--actor", options.actor, "Only what this caller caused: a token's sub, process:checkout, …");
  app.add_option("--correlation", options.correlation, "Only what belongs to the request with this correlation id");
  app.add_option("--from", options.from, "Only from this time on: 2026-12-03T09:30:00Z, or 2026-12-03");
  app.add_option("--to", options.to, "Only before this time");
  app.add_option("--offsets", options.offsets_file,
                 "A file of offsets, {\"orders.3\": [100, 200], \"orders.4\": 1042}: only these logs, from the first "
                 "to before the second");
  app.add_option("--where", options.where,
                 "Only events for which this jq expression over their JSON is true: '.data.total.amount > 5000'");
}

EventFilter::EventFilter(const FilterOptions& options, History& history)
    : types_(options.types.begin(), options.types.end()), actor_(options.actor), correlation_(options.correlation) {
  const std::set<std::string> contexts = contexts_of_types(options.types);
  wanted_.contexts = options.contexts;
  if (wanted_.contexts.empty())
    for (const std::string& context : contexts)
      if (history.partitions().contains(context)) wanted_.contexts.push_back(context);
  if (!options.aggregate.empty()) wanted_.aggregate = options.aggregate;
  wanted_.from_ms = parse_when_given(options.from, "--from");
  wanted_.to_ms = parse_when_given(options.to, "--to");
  if (!options.offsets_file.empty())
    wanted_.offsets = only(
        parse_offsets(text_of_file(options.offsets_file, "--offsets"), "--offsets " + options.offsets_file), history);
  if (!options.where.empty()) where_.emplace(options.where, "--where");
}

bool EventFilter::passes(const EventMeta& meta) const {
  return (types_.empty() || types_.contains(meta.type) || types_.contains(short_type(meta.type))) &&
         (actor_.empty() || meta.actor == actor_) && (correlation_.empty() || meta.correlation_id == correlation_);
}

bool EventFilter::passes(const LogId& log, const StoredEvent& event, EventJson& maker, std::string& json) {
  json.clear();
  if (!passes(event.meta)) return false;
  if (!where_) return true;
  maker.append(json, log, event);
  return where_->matches(json);
}

std::string EventFilter::where_note() const {
  if (!where_ || where_->failures() == 0) return "";
  return "--where could not be asked of " + std::to_string(where_->failures()) +
         " events, which were left out; jq says of the first: " + where_->first_failure();
}

std::optional<LogId> parse_log_id(std::string_view text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  LogId log{std::string(text.substr(0, dot)), 0};
  const auto [end, error] = std::from_chars(text.data() + dot + 1, text.data() + text.size(), log.shard);
  if (error != std::errc{} || end != text.data() + text.size() || log.shard < 0) return std::nullopt;
  return log;
}

std::map<LogId, std::pair<int64_t, int64_t>> parse_offsets(std::string_view json, std::string_view option) {
  const auto refuse = [&](const std::string& why) {
    return UsageError(std::string(option) + ": " + why + "; give {\"orders.3\": [100, 200], \"orders.4\": 1042}");
  };
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object()) throw refuse("it is no JSON object");
  std::map<LogId, std::pair<int64_t, int64_t>> offsets;
  for (const auto& [name, value] : parsed.items()) {
    const auto log = parse_log_id(name);
    if (!log) throw refuse(name + " is no log");
    if (value.is_number_integer())
      offsets[*log] = {value.get<int64_t>(), end_of_log};
    else if (value.is_array() && value.size() == 2 && value[0].is_number_integer() && value[1].is_number_integer())
      offsets[*log] = {value[0].get<int64_t>(), value[1].get<int64_t>()};
    else
      throw refuse("the offsets of " + name + " are neither a number nor two");
  }
  return offsets;
}

}  // namespace everfold::replay
