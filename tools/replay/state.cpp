#include "tools/replay/state.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "platform/json/object.hpp"
#include "tools/replay/folds/chosen_views.hpp"
#include "tools/replay/folds/states.hpp"
#include "tools/replay/history/event_types.hpp"
#include "tools/replay/output/output.hpp"

namespace everfold::replay {
namespace {

struct StateOptions {
  std::string id, at;
  std::vector<std::string> views, contexts;
  bool json = false, from_stdin = false;
};

// An id may have an '@' of its own, so the last one counts; nothing behind it is the present end.
Ask ask_of_line(const std::string& line, int64_t number) {
  const std::size_t at = line.rfind('@');
  if (at == line.npos) return {line, {}};
  if (at + 1 == line.size()) return {line.substr(0, at), {}};
  return {line.substr(0, at),
          parse_bound(line.substr(at + 1), "line " + std::to_string(number) + " of standard input:")};
}

std::vector<Ask> asks_of(const StateOptions& options) {
  if (options.from_stdin == !options.id.empty())
    throw UsageError("state: name one ID, or give --stdin and a line ID@VERSION or ID@TIME for each");
  if (!options.from_stdin) return {{options.id, options.at.empty() ? Bound() : parse_bound(options.at, "--at")}};
  if (!options.at.empty())
    throw UsageError("state: with --stdin each line says its own version or time: ID@VERSION, ID@TIME");
  std::vector<Ask> asks;
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);)
    if (++number; !line.empty()) asks.push_back(ask_of_line(line, number));
  return asks;
}

// Events later than every time asked for are not read.
std::optional<int64_t> last_needed_ms(const std::vector<Ask>& asks) {
  int64_t last = 0;
  for (const Ask& ask : asks) {
    if (!ask.at.time_ms) return std::nullopt;
    last = std::max(last, *ask.at.time_ms);
  }
  return last;
}

Wanted wanted_of(const std::vector<Ask>& asks, const StateOptions& options) {
  Wanted wanted;
  wanted.contexts = options.contexts;
  for (const std::string& name : options.views)
    if (const auto context = view_named(name)->context(); context != every_context)
      wanted.contexts.emplace_back(context);
  if (asks.size() == 1) wanted.aggregate = asks[0].id;
  if (const auto last = last_needed_ms(asks)) wanted.to_ms = *last + 1;
  return wanted;
}

std::string json_of(const State& state) {
  json::Object out, views;
  out.text("context", state.context).number("version", state.version).text("time", format_time(state.last.time_ms));
  out.text("type", state.last.type).text("eventId", state.last.id);
  if (!state.last.actor.empty()) out.text("actor", state.last.actor);
  if (!state.last.correlation_id.empty()) out.text("correlationId", state.last.correlation_id);
  out.text("log", to_string(state.log)).number("offset", state.offset);
  for (const auto& [name, row] : state.views) views.json(name, row);
  out.json("views", views.str());
  if (!state.unreadable.empty()) out.text("unreadable", state.unreadable);
  return out.str();
}

std::string json_of(const Ask& ask, const Answer& answer) {
  json::Object out;
  out.text("id", ask.id);
  if (ask.at.version) out.number("atVersion", *ask.at.version);
  if (ask.at.time_ms) out.text("atTime", format_time(*ask.at.time_ms));
  std::string states;
  for (const State& state : answer.states) states += (states.empty() ? "" : ",") + json_of(state);
  out.json("states", "[" + states + "]");
  if (!answer.problem.empty()) out.text("problem", answer.problem);
  return out.str() + "\n";
}

std::string for_people(const Answer& answer) {
  std::string out;
  for (const State& state : answer.states) {
    out += state.context + " " + state.last.aggregate_id + ", version " + std::to_string(state.version) + ": " +
           std::string(short_type(state.last.type)) + " at " + format_time(state.last.time_ms) + " (" +
           to_string(state.log) + ":" + std::to_string(state.offset) + ")\n";
    for (const auto& [name, row] : state.views)
      out += "view " + name + ": " + nlohmann::ordered_json::parse(row).dump(2) + "\n";
  }
  return out;
}

int state(const Tool& tool, const StateOptions& options) {
  const std::vector<Ask> asks = asks_of(options);
  States states(asks, chosen_views(options.views, options.contexts));
  ProgressLine progress;
  tool.history().read(
      wanted_of(asks, options),
      [&](const LogId& log, const Commit& commit) {
        states.take(log, commit);
        return true;
      },
      tool.stop, &progress);
  progress.end();
  if (tool.stop.stop_requested())
    throw std::runtime_error("interrupted before everything was read: nothing is printed");

  Output output("");
  int status = exit_ok;
  const auto answers = states.finish();
  for (std::size_t i = 0; i < asks.size(); ++i) {
    output.write(options.json || options.from_stdin ? json_of(asks[i], answers[i]) : for_people(answers[i]));
    if (!answers[i].problem.empty()) note(answers[i].problem);
    for (const State& each : answers[i].states)
      if (!each.unreadable.empty()) note(each.unreadable);
    const bool well =
        answers[i].problem.empty() && std::all_of(answers[i].states.begin(), answers[i].states.end(),
                                                  [](const State& each) { return each.unreadable.empty(); });
    if (!well) status = exit_found;
  }
  output.finish();
  return status;
}

}  // namespace

void add_state(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<StateOptions>();
  CLI::App& command = *app.add_subcommand("state", "An aggregate's view rows as they stood at a version or a time");
  command.add_option("ID", options->id, "Of the aggregate: an order, a cart, a SKU …");
  command.add_option("--at", options->at,
                     "A version (7), or a time (2026-12-03T09:30:00Z); its present end unless given");
  command.add_option("--view", options->views, "Only these views; history: its events")->delimiter(',');
  command.add_option("--context", options->contexts, "Only these contexts: an order's id is its checkout's too")
      ->delimiter(',');
  command.add_flag("--json", options->json, "One JSON object a line instead");
  command.add_flag("--stdin", options->from_stdin,
                   "Answer each line ID@VERSION, ID@TIME or ID@ of standard input, by a JSON line");
  command.footer(
      "The rows are folded by today's code from the aggregate's own log, up to there. Exit status 1 when an id is\n"
      "in no context, had not begun by that time, or has no such version.");
  command.callback([&tool, options] { tool.run = [&tool, options] { return state(tool, *options); }; });
}

}  // namespace everfold::replay
