// Private to platform/rocksdb: an open view, by its writer or as a secondary instance, and how its bytes lie.
//
// All keys are of one column family, because RocksDB's manifest says what a family's files are in one record, which is
// there or is not; of several families a cut manifest can keep the positions and lose the rows. A key begins with its
// kind. Row: row key → row. Index: index key → row key. Meta: "position/orders.3" → "1042 3 17 4711" (offset, term, next
// commit, origin); "code_version" → "1"; "batches" → how many were written.
//
// Of what follows a damaged place in its write-ahead log or manifest RocksDB can keep later batches and say nothing. So
// every batch also writes its number into one of `batch_slots` places, by turns: one that is missing leaves an older
// number behind, and the view is damaged. The log is cut often enough for that: it never holds more batches than slots.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/rocksdb/view_store.hpp"

namespace rocksdb {
class DB;
class Snapshot;
class Status;
class WriteBatch;
}  // namespace rocksdb

namespace everfold {

// Throws ViewDamaged for what folding anew cures, ViewUnwritable for the rest.
void require_ok(const rocksdb::Status& status, const std::string& what);

class ViewDb {
 public:
  enum class Kind : char { batch = 'b', index = 'i', meta = 'm', row = 'r' };

  static std::unique_ptr<ViewDb> open(const std::string& directory, bool create, const RocksMemory& memory);
  static std::unique_ptr<ViewDb> follow(const std::string& directory, const std::string& scratch_directory,
                                        const RocksMemory& memory);
  ~ViewDb();

  std::optional<std::string> get(Kind kind, std::string_view key, const rocksdb::Snapshot* at = nullptr) const;
  // Visits keys without their kind.
  void forwards(Kind kind, std::string_view prefix, std::string_view from, const ViewReader::Visit& visit,
                const rocksdb::Snapshot* at = nullptr) const;
  void backwards(Kind kind, std::string_view prefix, const ViewReader::Visit& visit) const;
  LogPosition position(const LogId& log, const rocksdb::Snapshot* at = nullptr) const;
  // Follows the primary along its log. When this throws it is not to be read from any more: a secondary instance whose
  // primary's files are damaged can know a position and not its rows.
  void catch_up();
  // The primary has written or compacted tables since this was opened: time to open another. A secondary instance that
  // is led on can miss a table that came and went between two looks, and hold on to what it had read of its log; then it
  // shows older rows, or deleted ones, beside newer.
  bool tables_changed() const { return manifest_state(directory_) != seen_; }
  // To be called after each read of a secondary, before its result is used. Throws ViewDamaged.
  void require_whole() const;
  void write(rocksdb::WriteBatch& batch);

  rocksdb::DB& db() const { return *db_; }

 private:
  ViewDb(std::string directory, rocksdb::DB* db);
  using ManifestState = std::pair<std::string, std::uintmax_t>;
  static ManifestState manifest_state(const std::string& directory);
  int64_t count_batches() const;
  void require_batches();      // all that have a slot
  void require_new_batches();  // those since; enough while no table comes or goes

  std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
  int64_t batches_ = 0;             // known to be there
  ManifestState seen_;              // when it was opened
  mutable std::mutex catching_up_;  // held while in flux
  std::atomic<bool> in_flux_{false};
  std::atomic<bool> whole_{true};
};

std::string key_of(ViewDb::Kind kind, std::string_view key);

std::string position_key(const LogId& log);
std::string encode_position(const LogPosition& position);
inline constexpr std::string_view code_version_key = "code_version";

}  // namespace everfold
