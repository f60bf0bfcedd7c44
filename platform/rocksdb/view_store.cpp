#include "platform/rocksdb/view_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <charconv>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "platform/rocksdb/live_pointer.hpp"
#include "platform/rocksdb/view_db.hpp"

namespace everfold {
namespace {

using Kind = ViewDb::Kind;

int stored_code_version(const ViewDb& db) {
  const auto text = db.get(Kind::meta, code_version_key);
  int version = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), version).ec != std::errc{})
    throw ViewDamaged("a view without its code version: creating it was not finished");
  return version;
}

class RocksViewSnapshot final : public ViewSnapshot {
 public:
  explicit RocksViewSnapshot(const ViewDb& db) : db_(db), taken_(&db.db()), at_(taken_.snapshot()) {}
  void walk(Part part, std::string_view from, const ViewReader::Visit& visit) const override {
    db_.forwards(part == Part::rows ? Kind::row : Kind::index, "", from, visit, at_);
  }
  LogPosition position(const LogId& log) const override { return db_.position(log, at_); }

 private:
  const ViewDb& db_;
  rocksdb::ManagedSnapshot taken_;
  const rocksdb::Snapshot* const at_;
};

}  // namespace

struct RocksViewStore::Impl {
  Impl(std::unique_ptr<ViewDb> opened, int version) : db(std::move(opened)), code_version(version) {}
  std::unique_ptr<ViewDb> db;
  const int code_version;
  std::mutex writing;
};

RocksViewStore::RocksViewStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksViewStore::~RocksViewStore() = default;

std::unique_ptr<RocksViewStore> RocksViewStore::open(const std::string& directory, const RocksMemory& memory) {
  auto db = ViewDb::open(directory, false, memory);
  const int version = stored_code_version(*db);
  return std::unique_ptr<RocksViewStore>(new RocksViewStore(std::make_unique<Impl>(std::move(db), version)));
}

std::unique_ptr<RocksViewStore> RocksViewStore::create(const std::string& directory, int code_version,
                                                       const RocksMemory& memory) {
  auto db = ViewDb::open(directory, true, memory);
  rocksdb::WriteOptions durable;
  durable.sync = true;
  require_ok(db->db().Put(durable, key_of(Kind::meta, code_version_key), std::to_string(code_version)),
             "creating " + directory);
  return std::unique_ptr<RocksViewStore>(new RocksViewStore(std::make_unique<Impl>(std::move(db), code_version)));
}

int RocksViewStore::code_version() const { return impl_->code_version; }

std::optional<std::string> RocksViewStore::row(std::string_view key) const { return impl_->db->get(Kind::row, key); }
void RocksViewStore::rows(std::string_view prefix, std::string_view from, const Visit& visit) const {
  impl_->db->forwards(Kind::row, prefix, from, visit);
}
void RocksViewStore::rows_backwards(std::string_view prefix, const Visit& visit) const {
  impl_->db->backwards(Kind::row, prefix, visit);
}
void RocksViewStore::index(std::string_view prefix, const Visit& visit) const {
  impl_->db->forwards(Kind::index, prefix, {}, visit);
}
void RocksViewStore::index_backwards(std::string_view prefix, const Visit& visit) const {
  impl_->db->backwards(Kind::index, prefix, visit);
}
LogPosition RocksViewStore::position(const LogId& log) const { return impl_->db->position(log); }

std::unique_ptr<ViewSnapshot> RocksViewStore::snapshot() const { return std::make_unique<RocksViewSnapshot>(*impl_->db); }

void RocksViewStore::checkpoint(const std::string& directory, const std::string& about) const {
  namespace fs = std::filesystem;
  if (fs::exists(directory)) throw CheckpointRefused(directory + " is there already: name one that is not");
  const fs::path parent = fs::path(directory).parent_path();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) throw CheckpointRefused(parent.string() + " cannot be made: " + error.message());
  rocksdb::Checkpoint* made = nullptr;
  require_ok(rocksdb::Checkpoint::Create(&impl_->db->db(), &made), "a checkpoint");
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  const auto status = checkpoint->CreateCheckpoint(directory);
  if (!status.ok()) throw CheckpointRefused(directory + " cannot be written: " + status.ToString());
  replace_file(directory, about_checkpoint_file, about);
}

void RocksViewStore::write(const ViewBatch& batch) {
  rocksdb::WriteBatch out;
  rocksdb::Status status;
  const auto add = [&](const rocksdb::Status& added) {
    if (status.ok()) status = added;
  };
  for (const auto& [key, row] : batch.rows)
    add(row ? out.Put(key_of(Kind::row, key), *row) : out.Delete(key_of(Kind::row, key)));
  for (const auto& key : batch.index_deletes) add(out.Delete(key_of(Kind::index, key)));
  for (const auto& [key, row_key] : batch.index_puts) add(out.Put(key_of(Kind::index, key), row_key));
  for (const auto& [log, position] : batch.positions)
    add(out.Put(key_of(Kind::meta, position_key(log)), encode_position(position)));
  require_ok(status, "writing a view");
  const std::lock_guard lock(impl_->writing);
  impl_->db->write(out);
}

}  // namespace everfold
