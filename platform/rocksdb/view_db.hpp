// Private to platform/rocksdb: an open view, by its writer or as a secondary instance, and how its bytes lie.
//
// Column family `rows`: row key → row. `index`: index key → row key. `meta`: "position/orders.3" → "1042 3 17" (offset,
// term, next commit); "code_version" → "1". They are flushed together, so that a crash can't part rows from their
// positions.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/rocksdb/view_store.hpp"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Status;
}  // namespace rocksdb

namespace everfold {

// Throws ViewDamaged for what folding anew cures, std::runtime_error for the rest.
void require_ok(const rocksdb::Status& status, const std::string& what);

class ViewDb {
 public:
  enum class Family { rows, index, meta };

  static std::unique_ptr<ViewDb> open(const std::string& directory, bool create, const RocksMemory& memory);
  static std::unique_ptr<ViewDb> follow(const std::string& directory, const std::string& scratch_directory,
                                        const RocksMemory& memory);
  ~ViewDb();

  std::optional<std::string> get(Family family, std::string_view key) const;
  void forwards(Family family, std::string_view prefix, std::string_view from, const ViewReader::Visit& visit) const;
  void backwards(Family family, std::string_view prefix, const ViewReader::Visit& visit) const;
  LogPosition position(const LogId& log) const;

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Family family) const;

 private:
  ViewDb(std::string directory, rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> families);

  std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // default, rows, index, meta
};

std::string position_key(const LogId& log);
std::string encode_position(const LogPosition& position);
inline constexpr std::string_view code_version_key = "code_version";

}  // namespace everfold
