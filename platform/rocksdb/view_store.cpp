#include "platform/rocksdb/view_store.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <charconv>
#include <utility>

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

}  // namespace

struct RocksViewStore::Impl {
  std::unique_ptr<ViewDb> db;
  int code_version = 0;
};

RocksViewStore::RocksViewStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksViewStore::~RocksViewStore() = default;

std::unique_ptr<RocksViewStore> RocksViewStore::open(const std::string& directory, const RocksMemory& memory) {
  auto db = ViewDb::open(directory, false, memory);
  const int version = stored_code_version(*db);
  return std::unique_ptr<RocksViewStore>(new RocksViewStore(std::make_unique<Impl>(Impl{std::move(db), version})));
}

std::unique_ptr<RocksViewStore> RocksViewStore::create(const std::string& directory, int code_version,
                                                       const RocksMemory& memory) {
  auto db = ViewDb::open(directory, true, memory);
  rocksdb::WriteOptions durable;
  durable.sync = true;
  require_ok(db->db().Put(durable, key_of(Kind::meta, code_version_key), std::to_string(code_version)),
             "creating " + directory);
  return std::unique_ptr<RocksViewStore>(new RocksViewStore(std::make_unique<Impl>(Impl{std::move(db), code_version})));
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
  impl_->db->write(out);
}

}  // namespace everfold
