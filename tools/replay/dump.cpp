#include "tools/replay/dump.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "tools/replay/history/event_filter.hpp"
#include "tools/replay/history/time_sorter.hpp"
#include "tools/replay/output/dump_state.hpp"
#include "tools/replay/output/event_format.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds note_state_every{2};
constexpr int look_every = 1'000;  // commits

struct DumpOptions {
  FilterOptions filter;
  std::string format = "ndjson";
  std::string file;
  std::string sort = "no";
  bool follow = false;
};

class Dump {
 public:
  Dump(const DumpOptions& options, const Tool& tool)
      : options_(options),
        tool_(tool),
        history_(tool.history()),
        filter_(options.filter, history_),
        resumable_(!options.file.empty() && options.sort == "no"),
        state_(state_before()),
        resumed_(state_.length > 0),
        out_(options.file, state_.length),
        format_(make_event_format(options.format, out_.is_terminal() ? terminal_width(STDOUT_FILENO, 0) : 0)) {
    if (options.sort == "time") sorter_.emplace();
    history_.while_idle([this] { return !out_.look_whether_closed(); });
  }

  int run() {
    if (options_.follow && sorter_) throw UsageError("--sort time needs an end: leave out --follow");
    if (resumed_) note("goes on from " + grouped(state_.events) + " events in " + options_.file + ".part");
    ProgressLine progress(out_.is_terminal() ? ProgressLine::Shown::never : ProgressLine::Shown::as_fits);
    if (resumed_ || out_.write(format_->header()))
      history_.read(
          wanted(), [&](const LogId& log, const Commit& commit) { return take(log, commit); }, tool_.stop, &progress);
    if (sorter_ && !tool_.stop.stop_requested())
      sorter_->drain([this](std::string_view line) { return out_.write(line); });
    out_.flush();
    if (out_.closed()) return exit_closed_pipe;
    if (tool_.stop.stop_requested()) return interrupted();
    out_.finish();
    return finished();
  }

 private:
  // What was asked for, wherever the program runs and whatever it shows meanwhile.
  std::string asked() const { return tool_.kafka.brokers + " " + tool_.kafka.prefix + " " + tool_.command; }

  DumpState state_before() const {
    DumpState fresh;
    fresh.command = asked();
    if (!resumable_) return fresh;
    auto before = load_dump_state(options_.file);
    return before && before->command == fresh.command ? *std::move(before) : fresh;
  }

  Wanted wanted() const {
    Wanted wanted = filter_.wanted();
    wanted.follow = options_.follow;
    for (const auto& [log, offset] : state_.offsets) {
      auto& range = wanted.offsets.try_emplace(log, 0, end_of_log).first->second;
      range.first = std::max(range.first, offset);
    }
    return wanted;
  }

  bool take(const LogId& log, const Commit& commit) {
    LogMark mark = commit.mark;
    mark.part = 0;
    for (const StoredEvent& event : commit.events) {
      ++mark.part;
      if (!filter_.passes(log, event, maker_, json_)) continue;
      line_.clear();
      if (!format_->append(line_, log, event, mark, json_)) ++undecoded_;
      ++state_.events;
      if (sorter_)
        sorter_->add(event.meta.time_ms, log, event.offset, line_);
      else if (!out_.write(line_))
        return false;
    }
    if (resumable_) {
      state_.offsets[log] = commit.events.back().offset + 1;
      if (++commits_ % look_every == 0 && Clock::now() - noted_ > note_state_every) note_state();
    }
    return !options_.follow || out_.flush();
  }

  void note_state() {
    out_.flush();
    out_.sync();
    state_.length = out_.length();
    save_dump_state(options_.file, state_);
    noted_ = Clock::now();
  }

  int interrupted() {
    if (resumable_) {
      note_state();
      note("interrupted: " + options_.file + ".part has " + grouped(state_.events) +
           " events; the same command goes on from there");
    } else if (!options_.file.empty()) {
      note("interrupted: nothing is in " + options_.file + " yet, and a sorted dump begins anew");
    }
    return exit_found;
  }

  int finished() {
    if (resumable_) remove_dump_state(options_.file);
    if (!options_.file.empty()) note(grouped(state_.events) + " events in " + options_.file);
    if (const std::string left_out = filter_.where_note(); !left_out.empty()) note(left_out);
    if (undecoded_ == 0) return exit_ok;
    note(grouped(undecoded_) +
         " events cannot be decoded by this version of Everfold: a later one wrote them, or they are damaged; they are "
         "there without their data");
    return exit_found;
  }

  const DumpOptions& options_;
  const Tool& tool_;
  History history_;
  EventFilter filter_;
  const bool resumable_;
  DumpState state_;
  const bool resumed_;
  Output out_;
  std::unique_ptr<EventFormat> format_;
  std::optional<TimeSorter> sorter_;
  EventJson maker_;
  std::string json_, line_;
  int64_t undecoded_ = 0, commits_ = 0;
  Clock::time_point noted_ = Clock::now();
};

}  // namespace

void add_dump(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<DumpOptions>();
  CLI::App& command = *app.add_subcommand("dump", "Events as NDJSON, CSV, a table or Protobuf, to a file or a pipe");
  add_filter_options(command, options->filter);
  command
      .add_option("--format", options->format,
                  "ndjson, csv, table (for people) or protobuf (schemas/replay/v1/event.proto, each with its length)")
      ->check(CLI::IsMember({"ndjson", "csv", "table", "protobuf"}))
      ->capture_default_str();
  command.add_option("-o,--output", options->file,
                     "Write to this file; it appears when it is whole. Until then it is FILE.part, and the same "
                     "command goes on after an interruption");
  command
      .add_option(
          "--sort", options->sort,
          "no: each log in its order, logs as they arrive; time: by time (256 MB of memory, then temporary files)")
      ->check(CLI::IsMember({"no", "time"}))
      ->capture_default_str();
  command.add_flag("--follow", options->follow, "At the end wait for what is added, until interrupted");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Dump(*options, tool).run(); }; });
}

}  // namespace everfold::replay
