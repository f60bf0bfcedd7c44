#include "tools/replay/show.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "platform/json/object.hpp"
#include "tools/replay/history/command_history.hpp"
#include "tools/replay/history/message_types.hpp"
#include "tools/replay/output/event_json.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

struct ShowOptions {
  std::string id, correlation;
  std::string from, to;
  bool json = false;
};

std::string data_text(EventJson& maker, const StoredEvent& event) {
  std::string data;
  return maker.append_data(data, event) ? data : "(cannot be decoded by this version)";
}

std::string by(const std::string& actor) { return actor.empty() ? "" : "  by " + actor; }

std::string limited(const std::string& line, std::size_t width) {
  return (width == 0 ? line : shortened(line, width)) + '\n';
}

class TreeText {
 public:
  explicit TreeText(std::size_t width) : width_(width) {}

  std::string take(const std::vector<CommandNode>& roots) {
    for (std::size_t i = 0; i < roots.size(); ++i) add(roots[i], "", true, true);
    return std::move(out_);
  }

 private:
  static std::string command_line(const CommandNode& node) {
    if (node.record.empty()) {
      const EventMeta& first = node.events.front().recorded.event.meta;
      const bool by_program = first.actor.starts_with("process:") || first.actor.starts_with("translator:");
      const std::string what = first.actor == "process:" + first.context ? "a deadline"
                               : by_program                              ? "a command that is in no topic"
                                                                         : "a client's command";
      return format_time(first.time_ms) + "  " + what + " to " + first.context + "  " + first.aggregate_id +
             by(first.actor);
    }
    const LoggedCommand& sent = node.record.front();
    const CommandMeta& meta = sent.command.meta;
    std::string line = format_time(meta.time_ms) + "  " + std::string(short_type(sent.command.type)) + " to " +
                       meta.context + "  " + meta.aggregate_id + by(meta.actor);
    if (sent.sent > 1) line += "  (sent " + std::to_string(sent.sent) + " times)";
    return line;
  }

  void add(const CommandNode& node, const std::string& indent, bool last, bool root) {
    out_ += limited(indent + (root ? "" : last ? "└─ " : "├─ ") + "→ " + command_line(node), width_);
    const std::string below = indent + (root ? "" : last ? "   " : "│  ");
    if (node.events.empty()) out_ += below + "└─ no event: refused, or its effect was there already\n";
    for (std::size_t i = 0; i < node.events.size(); ++i) add(node.events[i], below, i + 1 == node.events.size());
  }

  void add(const EventNode& node, const std::string& indent, bool last) {
    const EventMeta& meta = node.recorded.event.meta;
    out_ += limited(indent + (last ? "└─ " : "├─ ") + "● " + meta.context + " " + std::to_string(meta.version) + " " +
                        std::string(short_type(meta.type)) + "  " + data_text(maker_, node.recorded.event),
                    width_);
    const std::string below = indent + (last ? "   " : "│  ");
    for (std::size_t i = 0; i < node.commands.size(); ++i)
      add(node.commands[i], below, i + 1 == node.commands.size(), false);
  }

  const std::size_t width_;
  EventJson maker_;
  std::string out_;
};

class TreeJson {
 public:
  std::string commands(const std::vector<CommandNode>& nodes) {
    std::string list = "[";
    for (const CommandNode& node : nodes) {
      if (list.size() > 1) list += ',';
      list += command(node);
    }
    return list + ']';
  }

 private:
  std::string command(const CommandNode& node) {
    json::Object object;
    object.text("id", node.id);
    if (!node.record.empty()) {
      const LoggedCommand& sent = node.record.front();
      const CommandMeta& meta = sent.command.meta;
      object.text("type", sent.command.type).text("context", meta.context).text("aggregateId", meta.aggregate_id);
      object.text("time", format_time(meta.time_ms)).text("topic", to_string(sent.log)).number("offset", sent.offset);
      if (!meta.actor.empty()) object.text("actor", meta.actor);
      if (!meta.causation_id.empty()) object.text("causationId", meta.causation_id);
      object.number("sent", sent.sent);
      if (const auto message = parse_message(sent.command.type, sent.command.bytes)) object.message("data", *message);
    }
    std::string events = "[";
    for (const EventNode& event : node.events) {
      if (events.size() > 1) events += ',';
      maker_.append(events, event.recorded.log, event.recorded.event);
      events.back() = ',';  // the object goes on
      events += "\"commands\":" + commands(event.commands) + '}';
    }
    return object.json("events", events + ']').str();
  }

  EventJson maker_;
};

class Show {
 public:
  Show(const ShowOptions& options, const Tool& tool)
      : options_(options), tool_(tool), history_(tool.history()), out_("") {}

  int run() {
    if (options_.id.empty() == options_.correlation.empty())
      throw UsageError("show wants either the ID of an aggregate or --correlation ID");
    return options_.correlation.empty() ? timeline() : tree();
  }

 private:
  std::size_t width() const { return out_.is_terminal() ? terminal_width(STDOUT_FILENO, 0) : 0; }

  int timeline() {
    Wanted wanted = wanted_times();
    wanted.aggregate = options_.id;
    std::vector<LoggedEvent> events = read(wanted, [](const EventMeta&) { return true; });
    if (tool_.stop.stop_requested()) return exit_found;
    if (events.empty()) return nothing("no context has an event of an aggregate " + options_.id);
    events = merged_by_time(std::move(events));
    if (!options_.json) return print(timeline_text(events, width()));
    EventJson maker;
    std::string lines;
    for (const LoggedEvent& each : events) {
      maker.append(lines, each.log, each.event);
      lines += '\n';
    }
    return print(lines);
  }

  int tree() {
    std::vector<LoggedEvent> events =
        read(wanted_times(), [this](const EventMeta& meta) { return meta.correlation_id == options_.correlation; });
    CommandsById commands;
    CommandHistory topics(tool_.kafka, history_.logs());
    ProgressLine progress;
    topics.read(
        [&](const LogId& log, int64_t offset, Command command) {
          if (command.meta.correlation_id == options_.correlation) commands.add(log, offset, std::move(command));
          return true;
        },
        tool_.stop, &progress);
    if (tool_.stop.stop_requested()) return exit_found;
    std::vector<LoggedCommand> sent = commands.take();
    if (events.empty() && sent.empty()) return nothing("nothing has the correlation id " + options_.correlation);
    if (topics.incomplete())
      note("the oldest commands were deleted from their topics: what they caused stands at the root");
    const auto roots = causal_trees(std::move(events), std::move(sent));
    return print(options_.json ? tree_json(roots) + '\n' : tree_text(roots, width()));
  }

  Wanted wanted_times() const {
    Wanted wanted;
    wanted.from_ms = parse_when_given(options_.from, "--from");
    wanted.to_ms = parse_when_given(options_.to, "--to");
    return wanted;
  }

  template <class Is>
  std::vector<LoggedEvent> read(const Wanted& wanted, Is is_wanted) {
    std::vector<LoggedEvent> events;
    ProgressLine progress;
    history_.read(
        wanted,
        [&](const LogId& log, const Commit& commit) {
          for (const StoredEvent& event : commit.events)
            if (is_wanted(event.meta)) events.push_back({log, event});
          return true;
        },
        tool_.stop, &progress);
    return events;
  }

  int nothing(const std::string& sentence) const {
    note(sentence);
    return exit_found;
  }

  int print(const std::string& text) {
    out_.write(text);
    out_.flush();
    return out_.closed() ? exit_closed_pipe : exit_ok;
  }

  const ShowOptions& options_;
  const Tool& tool_;
  History history_;
  Output out_;
};

}  // namespace

std::string timeline_text(const std::vector<LoggedEvent>& events, std::size_t width) {
  EventJson maker;
  std::string out;
  for (const LoggedEvent& each : events) {
    const EventMeta& meta = each.event.meta;
    out += limited(format_time(meta.time_ms) + "  " + padded(meta.context, 9) + "  " +
                       padded(std::to_string(meta.version), 4) + "  " + padded(short_type(meta.type), 26) + "  " +
                       padded(meta.actor.empty() ? "-" : meta.actor, 28) + "  " + data_text(maker, each.event),
                   width);
  }
  return out;
}

std::string tree_text(const std::vector<CommandNode>& roots, std::size_t width) { return TreeText(width).take(roots); }

std::string tree_json(const std::vector<CommandNode>& roots) {
  return "{\"commands\":" + TreeJson().commands(roots) + '}';
}

void add_show(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App& command =
      *app.add_subcommand("show", "The timeline of an aggregate, or what one request caused, as a tree");
  command.add_option("ID", options->id,
                     "An aggregate: its events by time, in every context that has it (an order's checkout too)");
  command.add_option(
      "--correlation", options->correlation,
      "A request's correlation id: which command caused which event caused which command, over all contexts");
  command.add_option("--from", options->from,
                     "Only events from this time on, which is faster; of commands all are looked at");
  command.add_option("--to", options->to, "Only events before this time");
  command.add_flag("--json", options->json,
                   "For programs: events as dump has them, one a line; the tree as one object");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Show(*options, tool).run(); }; });
}

}  // namespace everfold::replay
