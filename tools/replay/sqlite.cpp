#include "tools/replay/sqlite.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "kernel/check.hpp"
#include "tools/replay/folds/bound.hpp"
#include "tools/replay/folds/chosen_views.hpp"
#include "tools/replay/folds/scratch_views.hpp"
#include "tools/replay/output/row_json.hpp"
#include "tools/replay/output/text.hpp"
#include "tools/replay/tables/event_tables.hpp"
#include "tools/replay/tables/sqlite_part.hpp"

namespace everfold::replay {
namespace {

constexpr int64_t events_of_a_transaction = 15'000;

struct SqliteOptions {
  std::string file;
  std::vector<std::string> contexts;
  std::string from, to, at;
  bool views = false, replace = false, anew = false;
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
    std::sort(contexts_.begin(), contexts_.end());
    if (std::filesystem::exists(options_.file) && !options_.replace)
      throw UsageError("sqlite: " + options_.file + " is there already: give another file, or --replace");
  }

  int run() {
    part_.emplace(options_.file, asked(), options_.anew);
    if (!part_->is_whole()) {
      begin();
      ProgressLine progress;
      read(progress);
      if (interrupted()) throw std::runtime_error("interrupted: " + what_is_left());
      make_whole(progress);
      progress.end();
      if (interrupted()) throw std::runtime_error("interrupted: " + what_is_left());
    }
    events_.reset();
    views_.clear();
    part_->finish();
    return report();
  }

 private:
  bool interrupted() const { return tool_.stop.stop_requested(); }
  static std::string time_or_none(const std::optional<int64_t>& ms) { return ms ? format_time(*ms) : ""; }

  Asked asked() const {
    std::string contexts;
    for (const std::string& context : contexts_) contexts += (contexts.empty() ? "" : ", ") + context;
    return {{"prefix", tool_.kafka.prefix},
            {"contexts", contexts},
            {"events from", time_or_none(span_.from_ms)},
            {"events before", time_or_none(span_.to_ms)},
            {"as of", time_or_none(span_.at_ms)},
            {"views", options_.views ? "yes" : ""}};
  }

  std::string what_is_left() const {
    return part_->path() + " has " + grouped(part_->count("events")) + " events; the same command goes on from there";
  }

  // With all tables, empty or as an interrupted run left them.
  void begin() {
    if (!part_->is_new()) {
      SqliteDb fresh(":memory:");
      const EventTables tables(fresh, contexts_);
      part_->require_tables(fresh);
      note("goes on from " + grouped(part_->count("events")) + " events in " + part_->path());
    }
    positions_ = part_->positions();
    events_ = std::make_unique<EventTables>(part_->db(), contexts_, part_->count("events"),
                                            part_->count("unreadable events"));
    save();
    if (options_.views) begin_views();
    std::map<LogId, LogPosition> furthest = positions_;
    for (const LogId& log : history_.logs())
      for (const auto& view : views_)
        if (const LogPosition position = view->rows().position(log); position.offset > furthest[log].offset)
          furthest[log] = position;
    std::erase_if(furthest, [](const auto& each) { return each.second.offset == 0; });
    if (const auto why = history_.foreign(furthest)) refuse_to_go_on(part_->path(), *why, "file");
  }

  void begin_views() {
    // Every event that comes here has been found to have stood then.
    for (auto& view : chosen_views({}, contexts_))
      views_.push_back(std::make_unique<ScratchView>(std::move(view), part_->views(), memory_, asked(), false,
                                                     [](const LogId&, const StoredEvent&) { return true; }));
  }

  // Where neither tables nor views have come to yet.
  std::map<LogId, LogPosition> begins() const {
    std::map<LogId, LogPosition> begins;
    if (span_.at_ms) return begins;  // what stood then is known from the beginning
    for (auto [log, position] : positions_) {
      for (const auto& view : views_)
        if (view->view().context() == log.context) {
          const LogPosition folded = view->rows().position(log);
          if (folded.offset < position.offset) position = folded;
        }
      if (position.offset > 0) begins[log] = position;
    }
    return begins;
  }

  Wanted wanted() const {
    Wanted wanted;
    wanted.contexts = contexts_;
    wanted.begin = begins();
    if (span_.at_ms) wanted.to_ms = *span_.at_ms + 1;
    if (options_.views || span_.at_ms) return wanted;  // rows, and what stood then, begin at the beginning
    wanted.from_ms = span_.from_ms;
    wanted.to_ms = span_.to_ms;
    return wanted;
  }

  void read(ProgressLine& progress) {
    try {
      history_.read(
          wanted(), [&](const LogId& log, const Commit& commit) { return take(log, commit); }, tool_.stop, &progress);
    } catch (const std::exception&) {
      progress.end();
      note(what_is_left());
      throw;
    }
    save();
    for (const auto& view : views_) view->keep();
  }

  bool take(const LogId& log, const Commit& commit) {
    const LogPosition behind = history_.behind(log, commit);
    LogPosition& position = positions_[log];
    const bool there = behind.offset <= position.offset;
    Commit standing{commit.mark, {}};
    const bool cut = span_.at_ms.has_value();
    for (const StoredEvent& event : commit.events) {
      if (cut && !stood_then_.admits(event.meta)) continue;
      if (cut && options_.views) standing.events.push_back(event);
      if (!there && span_.has(event.meta)) events_->insert(log, event);
    }
    const Commit& folded = cut ? standing : commit;
    if (!folded.events.empty())
      for (auto& view : views_) view->take(log, folded, behind);
    if (there) return true;
    position = behind;
    unsaved_ += static_cast<int64_t>(commit.events.size());
    if (unsaved_ >= events_of_a_transaction) save();
    return true;
  }

  void save() {
    part_->put("events", std::to_string(events_->events()));
    part_->put("unreadable events", std::to_string(events_->unreadable()));
    part_->commit(positions_);
    unsaved_ = 0;
  }

  // In one transaction, which an interruption takes back.
  void make_whole(ProgressLine& progress) {
    write_views(progress);
    if (interrupted()) return;
    progress.begin("indexes", 0);
    events_->finish();
    part_->put("command", "everfold-replay " + tool_.command);
    part_->put("brokers", tool_.kafka.brokers);
    if (!interrupted()) part_->is_whole_now();
  }

  void write_views(ProgressLine& progress) {
    for (auto& view : views_) {
      if (interrupted()) return;
      progress.begin("view " + std::string(view->view().name()), 0);
      write_view(*view, progress);
    }
  }

  void write_view(const ScratchView& view, ProgressLine& progress) {
    const auto row = empty_row(view.view());
    MessageTable table(part_->db(),
                       sql_table(*row->GetDescriptor(), "view_" + std::string(view.view().name()), {"row_key"}),
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
    part_->put(rows_of_view + std::string(view.view().name()), std::to_string(table.rows()));
    part_->put("parked rows",
               std::to_string(part_->count("parked rows") + static_cast<int64_t>(view.fold().parked().size())));
  }

  int report() const {
    const int64_t unreadable = part_->count("unreadable events");
    std::string sentence = options_.file + ": " + std::to_string(part_->count("events")) + " events";
    for (const auto& [name, value] : part_->meta())
      if (name.starts_with(rows_of_view)) sentence += ", " + value + " " + name;
    note(sentence);
    if (unreadable > 0)
      note(std::to_string(unreadable) + " events are of no type that this version knows: see unreadable_events");
    return unreadable + part_->count("parked rows") > 0 ? exit_found : exit_ok;
  }

  static constexpr const char* rows_of_view = "rows of view ";

  const SqliteOptions& options_;
  const Tool& tool_;
  History history_;
  const Span span_;
  std::vector<std::string> contexts_;
  std::optional<SqlitePart> part_;
  std::unique_ptr<EventTables> events_;  // statements of the part's
  const RocksMemory memory_;
  std::vector<std::unique_ptr<ScratchView>> views_;
  StoodThen stood_then_;
  std::map<LogId, LogPosition> positions_;  // behind what is in the tables, committed or not
  int64_t unsaved_ = 0;
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
  command.add_flag("--anew", options->anew, "Go on with nothing that an interrupted run left");
  command.footer(
      "Written to FILE.part, which gets its name when it is whole. Interrupted or killed, it stays: the same command "
      "goes\n"
      "on from there, and one that asks for something else is refused.");
  command.callback([options, &tool] { tool.run = [options, &tool] { return Export(*options, tool).run(); }; });
}

}  // namespace everfold::replay
