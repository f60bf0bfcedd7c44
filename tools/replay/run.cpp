#include "tools/replay/run.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "platform/json/object.hpp"
#include "tools/replay/folds/bound.hpp"
#include "tools/replay/folds/chosen_views.hpp"
#include "tools/replay/folds/live_comparison.hpp"
#include "tools/replay/folds/scratch_views.hpp"
#include "tools/replay/output/event_json.hpp"
#include "tools/replay/output/jq.hpp"
#include "tools/replay/output/output.hpp"
#include "tools/replay/output/row_json.hpp"

namespace everfold::replay {
namespace {

struct RunOptions {
  std::string view;
  std::string until, where, out, in;
  std::vector<std::string> get;
  std::string list, views_dir = ".everfold/views";
  bool listed = false, dump = false, count = false, compare = false, anew = false;

  bool asks() const { return !get.empty() || listed || dump || count; }
};

std::string row_line(const View& view, std::string_view key, std::string_view bytes) {
  return json::Object().text("key", key).json("row", row_json(view, key, bytes)).str() + "\n";
}

class Run {
 public:
  Run(const RunOptions& options, const Tool& tool) : options_(options), tool_(tool) {
    if (!options_.in.empty() && (!options_.out.empty() || !options_.until.empty() || !options_.where.empty()))
      throw UsageError("run: --in reads what an earlier run left: it goes without --out, --until and --where");
    view_ = view_named(options_.view);
    if (!options_.where.empty()) where_.emplace(options_.where, "--where");
  }

  int run() {
    if (!options_.in.empty()) {
      open();
    } else {
      fold();
    }
    Output output("");
    answer(output);
    int status = parked_ > 0 ? exit_found : exit_ok;
    if (options_.compare && !compare(output)) status = exit_found;
    output.finish();
    return status;
  }

 private:
  const ViewReader& rows() const { return folded_ ? folded_->rows() : *opened_; }

  void open() {
    RocksViewShelf shelf(options_.in, options_.view, memory_);
    if (shelf.live() == 0)
      throw UsageError("run: --in " + options_.in + " has no finished run of view " + options_.view);
    opened_ = shelf.open(shelf.live()).store;
  }

  void fold() {
    if (options_.out.empty()) temporary_.emplace();
    const std::string directory = options_.out.empty() ? temporary_->path() : options_.out;
    if (options_.compare) live_.emplace(options_.views_dir, *view_, memory_);
    folded_.emplace(view_named(options_.view), directory, memory_, asked(), options_.anew,
                    [this](const LogId& log, const StoredEvent& event) { return admits(log, event); });
    History history = tool_.history();
    const auto positions = positions_in(history, directory);
    ProgressLine progress;
    const auto began = std::chrono::steady_clock::now();
    history.read(
        wanted(history, positions),
        [&](const LogId& log, const Commit& commit) {
          folded_->take(log, commit, history.behind(log, commit));
          return true;
        },
        tool_.stop, &progress);
    progress.end();
    if (tool_.stop.stop_requested()) {
      folded_->keep();
      throw std::runtime_error(options_.out.empty() ? "interrupted: nothing is left behind; with --out it could go on"
                                                    : "interrupted: the same command goes on in " + options_.out);
    }
    folded_->finish();
    for (const auto& [id, why] : folded_->fold().parked()) note(why + ": its row is as it was before");
    parked_ = folded_->fold().parked().size();
    if (where_ && where_->failures() > 0)
      note(std::to_string(where_->failures()) +
           " events were left out because --where failed on them, first: " + where_->first_failure());
    report(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }

  Asked asked() const {
    const auto until = parse_when_given(options_.until, "--until");
    return {{"prefix", tool_.kafka.prefix}, {"--until", until ? format_time(*until) : ""}, {"--where", options_.where}};
  }

  // Up to which an interrupted run has folded.
  std::map<LogId, LogPosition> positions_in(History& history, const std::string& directory) const {
    std::map<LogId, LogPosition> positions;
    for (const LogId& log : history.logs()) {
      const LogPosition position = folded_->rows().position(log);
      if (position.offset > 0) positions[log] = position;
      if (live_ && same_history() && position.offset > live_->position(log))
        refuse_to_go_on(directory, "the live view stands before it in log " + to_string(log), "folder");
    }
    if (const auto why = history.foreign(positions)) refuse_to_go_on(directory, *why, "folder");
    if (!positions.empty()) note("goes on from what an earlier run left in " + directory);
    return positions;
  }

  bool admits(const LogId& log, const StoredEvent& event) {
    if (!options_.until.empty() && !stood_then_.admits(event.meta)) return false;
    if (!where_) return true;
    json_.clear();
    events_.append(json_, log, event);
    return where_->matches(json_);
  }

  Wanted wanted(History& history, const std::map<LogId, LogPosition>& positions) const {
    Wanted wanted;
    if (options_.until.empty()) wanted.begin = positions;  // what stood then is known from the beginning
    if (view_->context() != every_context) wanted.contexts.emplace_back(view_->context());
    if (const auto until = parse_when_given(options_.until, "--until")) wanted.to_ms = *until + 1;
    if (!live_ || !same_history()) return wanted;
    for (const LogId& log : history.logs())
      wanted.offsets[log] = {0, live_->position(log)};  // to compare like with like
    return wanted;
  }

  bool same_history() const { return options_.in.empty() && options_.until.empty() && options_.where.empty(); }

  void report(double seconds) const {
    const int64_t events = folded_->fold().events();
    std::string sentence = "view " + options_.view + ": " + std::to_string(events) + " events folded in " +
                           std::to_string(seconds).substr(0, 5) + " s";
    sentence += options_.out.empty() ? "; give --out DIR to keep it" : "; it is in " + options_.out + ", for --in";
    note(sentence);
  }

  void answer(Output& output) const {
    for (const std::string& key : options_.get) {
      const auto row = rows().row(key);
      if (row)
        output.write(row_line(*view_, key, *row));
      else
        note("view " + options_.view + " has no row " + key);
    }
    if (options_.listed || options_.dump)
      rows().rows(options_.list, "", [&](std::string_view key, std::string_view bytes) {
        return output.write(row_line(*view_, key, bytes)) && !tool_.stop.stop_requested();
      });
    if (options_.count || (!options_.asks() && !options_.compare)) output.write(std::to_string(count()) + "\n");
  }

  int64_t count() const {
    int64_t rows_there = 0;
    rows().rows(options_.list, "", [&](std::string_view, std::string_view) { return ++rows_there > 0; });
    return rows_there;
  }

  // True: they are the same.
  bool compare(Output& output) {
    if (!live_) live_.emplace(options_.views_dir, *view_, memory_);
    const auto found =
        live_->compare(rows(), [&](const std::string& line) { return output.write(line + "\n"); });
    note("compared with the live view" +
         std::string(same_history() ? " at the same positions" : ", which stands where it stands now") + ": " +
         std::to_string(found.compared) + " rows, " + std::to_string(found.added) + " added, " +
         std::to_string(found.lost) + " lost, " + std::to_string(found.changed) + " changed by this run");
    return found.same();
  }

  const RunOptions& options_;
  const Tool& tool_;
  std::unique_ptr<View> view_;  // to show rows; the fold has one of its own
  std::optional<Jq> where_;
  StoodThen stood_then_;
  EventJson events_;
  std::string json_;
  const RocksMemory memory_;
  std::optional<TemporaryPath> temporary_;
  std::optional<LiveComparison> live_;
  std::optional<ScratchView> folded_;
  std::unique_ptr<ViewStore> opened_;
  std::size_t parked_ = 0;
};

}  // namespace

void add_run(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App& command = *app.add_subcommand(
      "run", "Fold a view by today's code over the history, then ask it or compare it with the live one");
  command.add_option("VIEW", options->view, "products, stock, carts, orders, payments, checkouts or history")
      ->required();
  command.add_option("--until", options->until,
                     "As it would have been at this time: 2026-12-03T09:30:00Z, or 2026-12-03");
  command.add_option("--where", options->where,
                     "Fold only events for which this jq expression over their JSON is true");
  command.add_option("--out", options->out, "Keep it in this folder, a RocksDB generation as the projector's");
  command.add_flag("--anew", options->anew, "Go on with nothing that an interrupted run left in --out");
  command.add_option("--in", options->in, "Fold nothing: read what an earlier run left in this folder");
  command.add_option("--get", options->get, "Print the row with this key")->delimiter(',');
  command.add_option_function<std::string>(
      "--list",
      [options](const std::string& prefix) {
        options->list = prefix;
        options->listed = true;
      },
      "Print the rows whose keys begin so");
  command.add_flag("--dump", options->dump, "Print every row");
  command.add_flag("--count", options->count, "Print how many rows there are");
  command.add_flag("--compare", options->compare,
                   "Print what is added, lost and changed beside the live view in --views-dir");
  command.add_option("--views-dir", options->views_dir, "Where everfold-projector has its views")
      ->envname("EVERFOLD_VIEWS_DIR")
      ->capture_default_str();
  command.footer(
      "Rows are printed as JSON lines {\"key\", \"row\"}. Without --until and --where a comparison is made at the live "
      "view's\n"
      "own positions. Exit status 1 when rows differ. Interrupted or killed, the same command goes on in --out.");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Run(*options, tool).run(); }; });
}

}  // namespace everfold::replay
