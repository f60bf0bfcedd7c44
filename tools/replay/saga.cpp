#include "tools/replay/saga.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "platform/json/object.hpp"
#include "platform/kafka/group_positions.hpp"
#include "platform/kafka/log_source.hpp"
#include "saga/processes.hpp"
#include "tools/replay/history/command_history.hpp"
#include "tools/replay/history/message_types.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"
#include "tools/replay/saga_replay.hpp"

namespace everfold::replay {
namespace {

constexpr int timeout_ms = 15'000;
constexpr const char* saga_group = "saga";

struct SagaOptions {
  std::string process;
  int64_t payment_timeout_s = 900;
};

std::string_view name_of(Difference difference) {
  switch (difference) {
    case Difference::missing:
      return "missing";
    case Difference::extra:
      return "extra";
    case Difference::different:
      return "different";
  }
  return "";
}

// "null": not known, or not such bytes.
std::string data_json(const std::string& type, const std::string& bytes) {
  const auto message = parse_message(type, bytes);
  return message ? json::to_json(*message) : "null";
}

std::string command_json(const Command& command) {
  const CommandMeta& meta = command.meta;
  json::Object object;
  object.text("id", meta.id).text("type", command.type).text("aggregateId", meta.aggregate_id);
  if (!meta.causation_id.empty()) object.text("causationId", meta.causation_id);
  if (!meta.actor.empty()) object.text("actor", meta.actor);
  return object.json("data", data_json(command.type, command.bytes)).str();
}

std::string event_json(const std::string& type, const std::string& bytes) {
  return json::Object().text("type", type).json("data", data_json(type, bytes)).str();
}

std::string list_json(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? "," : "") + text;
  return list + "]";
}

std::string tally_json(const Tally& tally) {
  return json::Object()
      .number("same", tally.same)
      .number("missing", tally.missing)
      .number("extra", tally.extra)
      .number("different", tally.different)
      .number("notYet", tally.not_yet)
      .number("notChecked", tally.not_checked)
      .str();
}

class DryRun {
 public:
  DryRun(const SagaOptions& options, const Tool& tool)
      : options_(options),
        tool_(tool),
        history_(tool.history()),
        out_(""),
        fetcher_(kafka::make_record_fetcher(tool.kafka, kafka::Topics::commands, note)),
        progress_(out_.is_terminal() ? ProgressLine::Shown::never : ProgressLine::Shown::as_fits) {
    for (auto& process : saga_processes())
      if (process->name() == options.process) process_ = std::move(process);
    if (!process_) throw UsageError("there is no process " + options.process + "; see --help for those that there are");
    if (!history_.partitions().contains(options.process))
      throw std::runtime_error("there is no event topic of " + options.process + " here");
  }

  int run() {
    const Tally commands = compare_commands();
    const Tally decisions = tool_.stop.stop_requested() ? Tally() : compare_decisions();
    if (tool_.stop.stop_requested()) {
      note("interrupted: what was not looked at is not known; run it again, from the beginning");
      return exit_found;
    }
    out_.write(json::Object()
                   .text("process", options_.process)
                   .json("commands", tally_json(commands))
                   .json("decisions", tally_json(decisions))
                   .str() +
               "\n");
    out_.finish();
    tell("commands", commands);
    tell("decisions", decisions);
    return commands.differences() + decisions.differences() > 0 ? exit_found : exit_ok;
  }

 private:
  void tell(const std::string& what, const Tally& tally) const {
    note(what + ": " + grouped(tally.same) + " the same, " + grouped(tally.missing) + " missing, " +
         grouped(tally.extra) + " extra, " + grouped(tally.different) + " different" +
         (tally.not_yet > 0 ? ", " + grouped(tally.not_yet) + " not handled yet" : "") +
         (tally.not_checked > 0 ? ", " + grouped(tally.not_checked) +
                                      " that nothing in the topics tells about (commands over HTTP, copied events)"
                                : ""));
  }

  // ---- what translators send

  // Where the translators stood is asked first: of the events before it, all commands lie in the topics, which are read
  // next. The events are read last: what caused any of these commands is among them.
  Tally compare_commands() {
    std::vector<LogId> sources;
    for (const ReactingGroup& group : reacting_groups())
      if (group.name == translators_group)
        for (const LogId& log : history_.logs())
          if (std::ranges::find(group.contexts, log.context) != group.contexts.end()) sources.push_back(log);
    const auto handled =
        kafka::group_positions(tool_.kafka, std::string(translators_group), kafka::Topics::events, sources, timeout_ms);
    TranslatorReplay replay(all_translators(options_.payment_timeout_s * 1'000), options_.process,
                            [this](const TranslatorReplay::Found& found) { show(found); });
    CommandHistory commands(tool_.kafka, history_.logs());
    commands.read(
        [&](const LogId& log, int64_t offset, const Command& command) {
          return replay.sent({log, offset}, command), true;
        },
        tool_.stop, &progress_);
    if (commands.incomplete()) {
      replay.expect_gaps();
      note("a command topic has lost its oldest records: commands that are not found may have been among them");
    }
    Wanted wanted;
    for (const LogId& log : sources)
      if (std::ranges::find(wanted.contexts, log.context) == wanted.contexts.end())
        wanted.contexts.push_back(log.context);
    history_.read(
        wanted,
        [&](const LogId& log, const Commit& commit) {
          const auto position = handled.find(log);
          for (const StoredEvent& event : commit.events)
            replay.event(event, position != handled.end() && event.offset < position->second.offset);
          return true;
        },
        tool_.stop, &progress_);
    if (!tool_.stop.stop_requested()) replay.finish();
    return replay.tally();
  }

  void show(const TranslatorReplay::Found& found) {
    json::Object line;
    line.text("compared", "command").text("difference", name_of(found.difference));
    if (!found.translator.empty()) line.text("translator", found.translator);
    if (found.today) line.json("today", command_json(*found.today));
    if (found.sent) {
      line.text("topic", to_string(found.sent->log)).number("offset", found.sent->offset);
      if (const auto sent = fetch(found.sent->log, found.sent->offset)) line.json("sent", command_json(*sent));
    }
    out_.write(line.str() + "\n");
  }

  std::optional<Command> fetch(const LogId& log, int64_t offset) {
    const auto record = fetcher_->fetch(log, offset, timeout_ms);
    if (!record)
      throw std::runtime_error("command " + to_string(log) + ":" + std::to_string(offset) + " cannot be read again");
    const std::vector<HeaderView> headers(record->headers.begin(), record->headers.end());
    return command_of({offset, record->key, record->value, headers}, log.context);
  }

  // ---- what the process decides

  // A log at a time: that is what fits into memory. Where the process stood in its commands is asked first, its events
  // are read next, and then the commands, so that what caused any of these events is among them.
  Tally compare_decisions() {
    Tally all;
    for (const LogId& log : history_.logs()) {
      if (log.context != options_.process || tool_.stop.stop_requested()) continue;
      const auto decided = kafka::group_positions(tool_.kafka, saga_group, kafka::Topics::commands, {log}, timeout_ms);
      DeciderReplay replay(*process_, decided.contains(log) ? decided.at(log).offset : 0,
                           [this](const DeciderReplay::Found& found) { show(found); });
      history_.read(
          only(log), [&](const LogId&, const Commit& commit) { return replay.commit(commit), true; }, tool_.stop,
          &progress_);
      CommandHistory(tool_.kafka, {log})
          .read([&](const LogId&, int64_t offset,
                    const Command& command) { return replay.command(offset, command), true; },
                tool_.stop, &progress_);
      if (!tool_.stop.stop_requested()) replay.finish();
      const Tally& one = replay.tally();
      all = {all.same + one.same,           all.missing + one.missing, all.extra + one.extra,
             all.different + one.different, all.not_yet + one.not_yet, all.not_checked + one.not_checked};
    }
    return all;
  }

  Wanted only(const LogId& log) {
    Wanted wanted;
    wanted.contexts = {log.context};
    for (const LogId& other : history_.logs())
      if (other != log) wanted.offsets[other] = {0, 0};
    return wanted;
  }

  void show(const DeciderReplay::Found& found) {
    std::vector<std::string> appended, today;
    if (found.appended)
      for (const StoredEvent& event : *found.appended) appended.push_back(event_json(event.meta.type, event.bytes));
    for (const Encoded& event : found.today) today.push_back(event_json(event.type, event.bytes));
    json::Object line;
    line.text("compared", "decision")
        .text("difference", name_of(found.difference))
        .text("aggregateId", found.aggregate_id);
    if (found.command) line.json("command", command_json(*found.command));
    line.json("appended", list_json(appended)).json("today", list_json(today));
    if (!found.refusal.empty()) line.text("refusal", found.refusal);
    out_.write(line.str() + "\n");
  }

  const SagaOptions& options_;
  const Tool& tool_;
  History history_;
  Output out_;
  std::unique_ptr<RecordFetcher> fetcher_;
  ProgressLine progress_;
  std::unique_ptr<HostedContext> process_;
};

}  // namespace

void add_saga(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<SagaOptions>();
  CLI::App& command = *app.add_subcommand(
      "saga", "What a process would do today with the history, beside what it did; nothing is sent");
  std::string names;
  for (const auto& process : saga_processes()) names += (names.empty() ? "" : ", ") + std::string(process->name());
  command.footer(
      "Compares the commands that today's translators would send with those in the command topics (by id; type and\n"
      "content, not the time), and the events that the process's decider would append with those that were. A JSON\n"
      "line for each difference, with both contents, and one with the sums. What payment providers answered is taken\n"
      "from the log. Exit status 1: there are differences. docs/replay.md");
  command.add_option("--dry-run", options->process, "The process: " + names)->required();
  command
      .add_option("--payment-timeout-s", options->payment_timeout_s,
                  "As everfold-saga was told: it is a part of the commands that start a checkout")
      ->envname("EVERFOLD_PAYMENT_TIMEOUT_S")
      ->check(CLI::Range(1, 30 * 24 * 3600))
      ->capture_default_str();
  command.callback([options, &tool] { tool.run = [options, &tool] { return DryRun(*options, tool).run(); }; });
}

}  // namespace everfold::replay
