// FILE.part: the database of `everfold-replay sqlite` until it is whole, with views being folded in FILE.part.views.
//
// Rows, counts and the positions behind them become visible in one transaction. So a kill at any moment leaves
//   no table                     nothing was begun: as if it were not there
//   rows up to the positions     the next run goes on from there; each view from its own positions (ScratchView)
//   "made at" in everfold_meta   all is in it: only the views' folders and the name are left to do
// What begins anew removes the database before SQLite's journal of it, and views that are nobody's before the first
// transaction, so that nothing is ever taken for the beginning of something else.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "kernel/log_reader.hpp"
#include "runtime/log/event_log.hpp"
#include "tools/replay/folds/asked.hpp"
#include "tools/replay/tables/sqlite_db.hpp"

namespace everfold::replay {

class SqlitePart {
 public:
  // What an interrupted run left, or a new one. Throws UsageError when that one was asked for something else.
  SqlitePart(const std::string& file, const Asked& asked, bool anew);

  SqliteDb& db() { return *db_; }
  const std::string& path() const { return part_; }
  const std::string& views() const { return views_; }  // a folder for them
  bool is_new() const { return new_; }
  bool is_whole() const { return meta_.contains(made_at); }
  const std::map<LogId, LogPosition>& positions() const { return positions_; }  // that were committed
  const std::map<std::string, std::string>& meta() const { return meta_; }
  int64_t count(const std::string& name) const;  // in meta; 0: not there

  void put(const std::string& name, const std::string& value);  // into everfold_meta
  // The tables of a database that has those of events only are to be the same here. Throws UsageError.
  void require_tables(SqliteDb& expected);
  // Everything until now is there for good. Begins the next transaction.
  void commit(const std::map<LogId, LogPosition>& positions);
  void is_whole_now();  // "made at", and commit
  // Gets its name; nobody may have a statement any more.
  void finish();

 private:
  static constexpr const char* made_at = "made at";
  void make(const Asked& asked);
  void load(const Asked& asked);

  const std::string file_, part_, views_;
  bool new_ = false;
  std::unique_ptr<SqliteDb> db_;
  std::map<std::string, std::string> meta_;
  std::map<LogId, LogPosition> positions_;
};

}  // namespace everfold::replay
