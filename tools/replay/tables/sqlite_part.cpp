#include "tools/replay/tables/sqlite_part.hpp"

#include <charconv>
#include <chrono>
#include <filesystem>

#include "runtime/log/stored_event.hpp"
#include "tools/replay/history/event_filter.hpp"

namespace everfold::replay {
namespace {

namespace fs = std::filesystem;

constexpr const char* begin_transaction = "BEGIN IMMEDIATE";

// Without our own, which every version has.
std::map<std::string, std::string> tables_of(SqliteDb& db) {
  std::map<std::string, std::string> tables;
  const auto select = db.prepare(
      "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'everfold\\_%' ESCAPE '\\'");
  while (select->next()) tables[select->text(0)] = select->text(1);
  return tables;
}

bool is_empty(SqliteDb& db) { return !db.prepare("SELECT 1 FROM sqlite_master")->next(); }

}  // namespace

SqlitePart::SqlitePart(const std::string& file, const Asked& asked, bool anew)
    : file_(file), part_(file + ".part"), views_(file + ".part.views") {
  if (anew || !fs::exists(part_)) {
    fs::remove(part_);
    fs::remove(part_ + "-journal");
  }
  db_ = std::make_unique<SqliteDb>(part_);
  new_ = is_empty(*db_);
  new_ ? make(asked) : load(asked);
}

void SqlitePart::make(const Asked& asked) {
  fs::remove_all(views_);
  db_->execute(begin_transaction);
  db_->execute("CREATE TABLE everfold_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  db_->execute(
      "CREATE TABLE everfold_positions (log TEXT PRIMARY KEY, next_offset INTEGER NOT NULL, term INTEGER NOT NULL, "
      "next_commit INTEGER NOT NULL, origin INTEGER NOT NULL) WITHOUT ROWID");
  for (const auto& [name, value] : asked)
    if (!value.empty()) put(name, value);
}

void SqlitePart::load(const Asked& asked) {
  {
    const auto meta = db_->prepare("SELECT key, value FROM everfold_meta");
    while (meta->next()) meta_[meta->text(0)] = meta->text(1);
    Asked before;
    for (const auto& [name, value] : asked)
      if (meta_.contains(name)) before[name] = meta_.at(name);
    if (const auto other = difference(before, asked)) refuse_to_go_on(part_, *other, "file");
  }
  {
    const auto rows = db_->prepare("SELECT log, next_offset, term, next_commit, origin FROM everfold_positions");
    while (rows->next())
      if (const auto log = parse_log_id(rows->text(0)))
        positions_[*log] = {rows->integer(1), rows->integer(2), rows->integer(3),
                            static_cast<uint64_t>(rows->integer(4))};
  }
  db_->execute(begin_transaction);
}

int64_t SqlitePart::count(const std::string& name) const {
  const auto found = meta_.find(name);
  int64_t number = 0;
  if (found != meta_.end()) std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
  return number;
}

void SqlitePart::put(const std::string& name, const std::string& value) {
  const auto insert = db_->prepare("INSERT OR REPLACE INTO everfold_meta VALUES (?, ?)");
  insert->bind(1, std::string_view(name));
  insert->bind(2, std::string_view(value));
  insert->run();
  meta_[name] = value;
}

void SqlitePart::require_tables(SqliteDb& expected) {
  const auto here = tables_of(*db_), there = tables_of(expected);
  std::string other;
  for (const auto& [name, sql] : there)
    if (const auto found = here.find(name); found == here.end() || found->second != sql) other = name;
  for (const auto& [name, sql] : here)
    if (!there.contains(name)) other = name;
  if (!other.empty())
    refuse_to_go_on(part_, "another version of Everfold made its tables, and table " + other + " is not the same now",
                    "file");
}

void SqlitePart::commit(const std::map<LogId, LogPosition>& positions) {
  {
    const auto insert = db_->prepare("INSERT OR REPLACE INTO everfold_positions VALUES (?, ?, ?, ?, ?)");
    for (const auto& [log, position] : positions) {
      insert->bind_copy(1, to_string(log));
      insert->bind(2, position.offset);
      insert->bind(3, position.term);
      insert->bind(4, position.next_commit);
      insert->bind(5, static_cast<int64_t>(position.origin));
      insert->run();
    }
  }
  db_->execute("COMMIT");
  positions_ = positions;
  db_->execute(begin_transaction);
}

void SqlitePart::is_whole_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  put(made_at, format_time(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
  commit(positions_);
}

void SqlitePart::finish() {
  db_->execute("ROLLBACK");  // of nothing
  db_->close();
  fs::remove_all(views_);
  fs::rename(part_, file_);
}

}  // namespace everfold::replay
