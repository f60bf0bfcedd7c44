#include "tools/replay/diff.hpp"

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <set>

#include "tools/replay/folds/chosen_views.hpp"
#include "tools/replay/folds/states.hpp"
#include "tools/replay/history/event_types.hpp"
#include "tools/replay/output/event_json.hpp"
#include "tools/replay/output/json_changes.hpp"
#include "tools/replay/output/output.hpp"

namespace everfold::replay {
namespace {

using Json = nlohmann::ordered_json;

struct DiffOptions {
  std::string id, from, to;
  std::vector<std::string> views, contexts;
  bool json = false;
};

struct SeenEvent {
  int64_t version;
  Json json;
};
using Events = std::map<std::string, std::vector<SeenEvent>>;  // by context

const State* of_context(const Answer& answer, const std::string& context) {
  for (const State& state : answer.states)
    if (state.context == context) return &state;
  return nullptr;
}

Json moment(const State* state) {
  if (!state) return nullptr;
  return {{"version", state->version}, {"time", format_time(state->last.time_ms)}, {"type", state->last.type}};
}

Json change_json(const std::string& view, const Change& change) {
  Json out{{"view", view}, {"path", change.path}};
  if (change.before) out["before"] = *change.before;
  if (change.after) out["after"] = *change.after;
  return out;
}

Json changes_of(const State* before, const State& after) {
  Json changes = Json::array();
  for (std::size_t i = 0; i < after.views.size(); ++i) {
    const auto& [name, row] = after.views[i];
    const Json old_row = before ? Json::parse(before->views[i].second) : Json(nullptr);
    for (const Change& change : changes_between(old_row, Json::parse(row)))
      changes.push_back(change_json(name, change));
  }
  return changes;
}

// {"context", "from": {"version", "time", "type"} or null, "to", "changes", "events"}
Json difference(const std::string& context, const State* before, const State& after, const Events& events) {
  Json out{
      {"context", context}, {"from", moment(before)}, {"to", moment(&after)}, {"changes", changes_of(before, after)}};
  out["events"] = Json::array();
  for (const SeenEvent& event : events.at(context))
    if (event.version > (before ? before->version : 0) && event.version <= after.version)
      out["events"].push_back(event.json);
  return out;
}

std::string said_of(const Json& moment) {
  if (moment.is_null()) return "nothing yet";
  return "version " + moment["version"].dump() + " (" + std::string(short_type(moment["type"].get<std::string>())) +
         ", " + moment["time"].get<std::string>() + ")";
}

std::string for_people(const std::string& id, const Json& difference) {
  std::string out = difference["context"].get<std::string>() + " " + id + ": " + said_of(difference["from"]) + " → " +
                    said_of(difference["to"]) + "\n";
  for (const Json& change : difference["changes"]) {
    const auto text = [&](const char* which) { return change.contains(which) ? change[which].dump() : "(not there)"; };
    out += "  " + change["view"].get<std::string>() + " " + change["path"].get<std::string>() + ": " + text("before") +
           " → " + text("after") + "\n";
  }
  if (difference["changes"].empty()) out += "  the rows are the same\n";
  out += "by these events:\n";
  for (const Json& event : difference["events"])
    out += "  " + event["version"].dump() + "  " + event["time"].get<std::string>() + "  " +
           std::string(short_type(event["type"].get<std::string>())) + "  " + event["data"].dump() + "\n";
  return out;
}

// Reads what States needs, and keeps the aggregate's events.
Events read(const Tool& tool, const DiffOptions& options, const Bound& to, States& states) {
  Wanted wanted;
  wanted.contexts = options.contexts;
  wanted.aggregate = options.id;
  Events events;
  EventJson json_of;
  ProgressLine progress;
  const auto take = [&](const LogId& log, const Commit& commit) {
    states.take(log, commit);
    for (const StoredEvent& event : commit.events) {
      if (event.meta.aggregate_id != options.id || !to.admits(event.meta)) continue;
      std::string text;
      json_of.append(text, log, event);
      events[log.context].push_back({event.meta.version, Json::parse(text)});
    }
    return true;
  };
  tool.history().read(wanted, take, tool.stop, &progress);
  return events;
}

int diff(const Tool& tool, const DiffOptions& options) {
  const Bound from = parse_bound(options.from, "--from");
  const Bound to = options.to.empty() ? Bound() : parse_bound(options.to, "--to");
  States states({{options.id, from}, {options.id, to}}, chosen_views(options.views, options.contexts));
  const Events events = read(tool, options, to, states);
  if (tool.stop.stop_requested())
    throw std::runtime_error("interrupted before everything was read: nothing is printed");
  const auto answers = states.finish();
  // A time before it began is a fair question; a version that it does not have is none.
  if (from.version && !answers[0].problem.empty()) throw std::runtime_error(answers[0].problem);
  if (!answers[1].problem.empty()) throw std::runtime_error(answers[1].problem);

  Output output("");
  Json all{{"id", options.id}, {"contexts", Json::array()}};
  for (const State& after : answers[1].states) {
    const State* before = of_context(answers[0], after.context);
    if (from.version && !before) continue;  // a context in which it has not come so far
    if (before && before->version > after.version) throw UsageError("diff: --from is later than --to");
    all["contexts"].push_back(difference(after.context, before, after, events));
  }
  if (options.json) {
    output.write(all.dump() + "\n");
  } else {
    for (const Json& each : all["contexts"]) output.write(for_people(options.id, each));
  }
  output.finish();
  return exit_ok;
}

}  // namespace

void add_diff(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<DiffOptions>();
  CLI::App& command =
      *app.add_subcommand("diff", "What changed of an aggregate between two versions or times, and by which events");
  command.add_option("ID", options->id, "Of the aggregate: an order, a cart, a SKU …")->required();
  command.add_option("--from", options->from, "A version (3), or a time (2026-12-03T09:30:00Z)")->required();
  command.add_option("--to", options->to, "Likewise; its present end unless given");
  command.add_option("--view", options->views, "Only these views; history: its events")->delimiter(',');
  command.add_option("--context", options->contexts, "Only these contexts: an order's id is its checkout's too")
      ->delimiter(',');
  command.add_flag("--json", options->json, "One JSON object instead");
  command.footer("Paths are jq's. Members of lists are matched by their id or sku, if they have one each.");
  command.callback([&tool, options] { tool.run = [&tool, options] { return diff(tool, *options); }; });
}

}  // namespace everfold::replay
