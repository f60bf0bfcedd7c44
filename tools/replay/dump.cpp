#include "tools/replay/dump.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/replay/event_filter.hpp"
#include "tools/replay/event_format.hpp"
#include "tools/replay/output.hpp"
#include "tools/replay/text.hpp"

namespace everfold::replay {
namespace {

struct DumpOptions {
  FilterOptions filter;
  std::string format = "ndjson";
  std::string file;
  bool follow = false;
};

class Dump {
 public:
  Dump(const DumpOptions& options, const Tool& tool)
      : options_(options),
        tool_(tool),
        history_(tool.history()),
        filter_(options.filter, history_),
        out_(options.file),
        format_(make_event_format(options.format, out_.is_terminal() ? terminal_width(STDOUT_FILENO, 0) : 0)) {}

  int run() {
    Wanted wanted = filter_.wanted();
    wanted.follow = options_.follow;
    ProgressLine progress(out_.is_terminal() ? ProgressLine::Shown::never : ProgressLine::Shown::as_fits);
    bool open = out_.write(format_->header());
    if (open) history_.read(wanted, [&](const LogId& log, const Commit& commit) { return take(log, commit); }, tool_.stop, &progress);
    out_.flush();
    if (out_.closed()) return exit_closed_pipe;
    if (const std::string left_out = filter_.where_note(); !left_out.empty()) note(left_out);
    if (tool_.stop.stop_requested() && !options_.file.empty()) {
      note("interrupted: " + options_.file + ".part has the first " + grouped(events_) + " events that were read; run the same again, from the beginning");
      return exit_found;
    }
    out_.finish();
    if (!options_.file.empty()) note(grouped(events_) + " events in " + options_.file);
    if (undecoded_ == 0) return exit_ok;
    note(grouped(undecoded_) + " events cannot be decoded by this version of Everfold: a later one wrote them, or they are damaged; they are there without their data");
    return exit_found;
  }

 private:
  bool take(const LogId& log, const Commit& commit) {
    LogMark mark = commit.mark;
    mark.part = 0;
    for (const StoredEvent& event : commit.events) {
      ++mark.part;
      if (!filter_.passes(log, event, maker_, json_)) continue;
      line_.clear();
      if (!format_->append(line_, log, event, mark, json_)) ++undecoded_;
      ++events_;
      if (!out_.write(line_)) return false;
    }
    return !options_.follow || out_.flush();
  }

  const DumpOptions& options_;
  const Tool& tool_;
  History history_;
  EventFilter filter_;
  Output out_;
  std::unique_ptr<EventFormat> format_;
  EventJson maker_;
  std::string json_, line_;
  int64_t events_ = 0, undecoded_ = 0;
};

}  // namespace

void add_dump(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<DumpOptions>();
  CLI::App& command = *app.add_subcommand("dump", "Events as NDJSON, CSV, a table or Protobuf, to a file or a pipe");
  add_filter_options(command, options->filter);
  command.add_option("--format", options->format, "ndjson, csv, table (for people) or protobuf (schemas/replay/v1/event.proto, each with its length)")
      ->check(CLI::IsMember({"ndjson", "csv", "table", "protobuf"}))
      ->capture_default_str();
  command.add_option("-o,--output", options->file, "Write to this file; it appears when it is whole, until then it is FILE.part");
  command.add_flag("--follow", options->follow, "At the end wait for what is added, until interrupted");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Dump(*options, tool).run(); }; });
}

}  // namespace everfold::replay
