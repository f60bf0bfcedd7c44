#include "tools/replay/sqlite.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "kernel/check.hpp"
#include "tools/replay/bound.hpp"
#include "tools/replay/chosen_views.hpp"
#include "tools/replay/event_tables.hpp"
#include "tools/replay/row_json.hpp"
#include "tools/replay/scratch_views.hpp"

namespace everfold::replay {
namespace {

namespace fs = std::filesystem;

struct SqliteOptions {
  std::string file;
  std::vector<std::string> contexts;
  std::string from, to, at;
  bool views = false, replace = false;
};

// OUT.db.part until it is whole. What is left of it when something goes wrong is of no use to anybody.
class PartFile {
 public:
  explicit PartFile(std::string file) : file_(std::move(file)), part_(file_ + ".part"), views_(file_ + ".part.views") {}
  const std::string& path() const { return part_.path(); }
  const std::string& views() const { return views_.path(); }  // a folder for them
  void finish() { fs::rename(part_.path(), file_); }

 private:
  const std::string file_;
  const TemporaryPath part_, views_;
};

// What of the history is put into tables.
struct Span {
  std::optional<int64_t> from_ms, to_ms, at_ms;

  bool has(const EventMeta& meta) const {
    return (!from_ms || meta.time_ms >= *from_ms) && (!to_ms || meta.time_ms < *to_ms);
  }
};

class Export {
 public:
  Export(const SqliteOptions& options, const Tool& tool)
      : options_(options),
        tool_(tool),
        history_(tool.history()),
        span_{parse_when_given(options.from, "--from"), parse_when_given(options.to, "--to"),
              parse_when_given(options.at, "--at")} {
    for (const auto& [context, partitions] : history_.partitions()) contexts_.push_back(context);
    if (!options_.contexts.empty()) contexts_ = options_.contexts;
    if (fs::exists(options_.file) && !options_.replace)
      throw UsageError("sqlite: " + options_.file + " is there already: give another file, or --replace");
  }

  int run() {
    part_.emplace(options_.file);
    db_ = std::make_unique<SqliteDb>(part_->path());
    db_->execute("BEGIN");
    events_ = std::make_unique<EventTables>(*db_, contexts_);
    if (options_.views) start_views(part_->views());
    ProgressLine progress;
    history_.read(
        wanted(), [&](const LogId& log, const Commit& commit) { return take(log, commit); }, tool_.stop, &progress);
    if (!interrupted()) write_views(progress);
    if (!interrupted()) write_indexes(progress);
    progress.end();
    views_.clear();
    if (interrupted())
      throw std::runtime_error("interrupted: " + options_.file + " was not made, and nothing is left behind");
    write_meta();
    db_->execute("COMMIT");
    const int64_t events = events_->events(), unreadable = events_->unreadable();
    events_.reset();
    db_->close();
    part_->finish();
    return report(events, unreadable);
  }

 private:
  bool interrupted() const { return tool_.stop.stop_requested(); }

  Wanted wanted() const {
    Wanted wanted;
    wanted.contexts = contexts_;
    if (span_.at_ms) wanted.to_ms = *span_.at_ms + 1;
    if (options_.views || span_.at_ms) return wanted;  // rows, and what stood then, begin at the beginning
    wanted.from_ms = span_.from_ms;
    wanted.to_ms = span_.to_ms;
    return wanted;
  }

  void start_views(const std::string& directory) {
    // Every event that comes here has been found to have stood then.
    for (auto& view : chosen_views({}, contexts_))
      views_.push_back(std::make_unique<ScratchView>(std::move(view), directory, memory_,
                                                     [](const LogId&, const StoredEvent&) { return true; }));
  }

  bool take(const LogId& log, const Commit& commit) {
    Commit standing{commit.mark, {}};
    const bool cut = span_.at_ms.has_value();
    for (const StoredEvent& event : commit.events) {
      if (cut && !stood_then_.admits(event.meta)) continue;
      if (cut && options_.views) standing.events.push_back(event);
      if (span_.has(event.meta)) events_->insert(log, event);
    }
    next_offsets_[log] = commit.events.back().offset + 1;
    const Commit& folded = cut ? standing : commit;
    if (!folded.events.empty())
      for (auto& view : views_) view->take(log, folded);
    return true;
  }

  void write_views(ProgressLine& progress) {
    for (auto& view : views_) {
      if (interrupted()) return;
      view->finish();
      progress.begin("view " + std::string(view->view().name()), 0);
      write_view(*view, progress);
    }
  }

  void write_view(const ScratchView& view, ProgressLine& progress) {
    const auto row = empty_row(view.view());
    MessageTable table(*db_, sql_table(*row->GetDescriptor(), "view_" + std::string(view.view().name()), {"row_key"}),
                       {"row_key TEXT PRIMARY KEY"});
    view.rows().rows("", "", [&](std::string_view key, std::string_view bytes) {
      check(row->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
            "a row that was just folded is unreadable");
      const auto bind = [&](SqliteDb::Statement& statement) { statement.bind(1, key); };
      table.insert(*row, bind, bind);
      progress.advance();
      return !interrupted();
    });
    table.make_indexes({});
    for (const auto& [id, why] : view.fold().parked())
      note(why + ": its row in view_" + std::string(view.view().name()) + " is as it was before");
    rows_["rows of view " + std::string(view.view().name())] = table.rows();
    parked_ += static_cast<int64_t>(view.fold().parked().size());
  }

  void write_indexes(ProgressLine& progress) {
    progress.begin("indexes", 0);
    events_->finish();
  }

  void write_meta() {
    db_->execute("CREATE TABLE everfold_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    const auto insert = db_->prepare("INSERT INTO everfold_meta VALUES (?, ?)");
    const auto put = [&](const std::string& key, const std::string& value) {
      insert->bind_copy(1, key);
      insert->bind_copy(2, value);
      insert->run();
    };
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    put("command", "everfold-replay " + tool_.command);
    put("made at", format_time(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
    put("brokers", tool_.kafka.brokers);
    put("prefix", tool_.kafka.prefix);
    if (span_.from_ms) put("events from", format_time(*span_.from_ms));
    if (span_.to_ms) put("events before", format_time(*span_.to_ms));
    if (span_.at_ms) put("as of", format_time(*span_.at_ms));
    put("events", std::to_string(events_->events()));
    put("unreadable events", std::to_string(events_->unreadable()));
    for (const auto& [what, rows] : rows_) put(what, std::to_string(rows));
    for (const auto& [log, offset] : next_offsets_) put("position " + to_string(log), std::to_string(offset));
  }

  int report(int64_t events, int64_t unreadable) const {
    std::string sentence = options_.file + ": " + std::to_string(events) + " events";
    for (const auto& [what, rows] : rows_) sentence += ", " + std::to_string(rows) + " " + what;
    note(sentence);
    if (unreadable > 0)
      note(std::to_string(unreadable) + " events are of no type that this version knows: see unreadable_events");
    return unreadable + parked_ > 0 ? exit_found : exit_ok;
  }

  const SqliteOptions& options_;
  const Tool& tool_;
  History history_;
  const Span span_;
  std::vector<std::string> contexts_;
  std::optional<PartFile> part_;  // goes last
  std::unique_ptr<SqliteDb> db_;
  std::unique_ptr<EventTables> events_;  // statements of db_
  const RocksMemory memory_;
  std::vector<std::unique_ptr<ScratchView>> views_;
  StoodThen stood_then_;
  std::map<LogId, int64_t> next_offsets_;
  std::map<std::string, int64_t> rows_;
  int64_t parked_ = 0;
};

}  // namespace

void add_sqlite(CLI::App& app, Tool& tool) {
  const auto options = std::make_shared<SqliteOptions>();
  CLI::App& command =
      *app.add_subcommand("sqlite", "The history as an SQLite database: a table an event type, and the views");
  command.add_option("FILE", options->file, "The database to make")->required();
  command.add_flag("--views", options->views,
                   "The views' rows too, folded by today's code: view_orders, view_orders_lines …");
  command.add_option("--at", options->at, "All as it stood at this time: 2026-12-03T09:30:00Z, or 2026-12-03");
  command.add_option("--context", options->contexts, "Only these contexts")
      ->delimiter(',')
      ->check(CLI::IsMember(event_contexts()));
  command.add_option("--from", options->from,
                     "Only events from this time on; views are folded from the beginning all the same");
  command.add_option("--to", options->to, "Only events before this time; views all the same");
  command.add_flag("--replace", options->replace, "Put it in the place of a file that is there");
  command.footer("Written to FILE.part, which gets its name when it is whole; what is interrupted begins anew.");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Export(*options, tool).run(); }; });
}

}  // namespace everfold::replay
