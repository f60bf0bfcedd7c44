#include "platform/rocksdb/view_db.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/rocksdb/memory.hpp"

namespace everfold {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

rocksdb::CompressionType compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::ColumnFamilyOptions family_options(const RocksMemory::Impl& memory) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = memory.block_cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // most rows that a fold asks for do not exist yet
  table.whole_key_filtering = true;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = compression();
  options.write_buffer_size = 32u << 20;
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  return options;
}

rocksdb::DBOptions db_options(const RocksMemory::Impl& memory) {
  rocksdb::DBOptions options;
  options.atomic_flush = true;  // rows, index and positions of one batch reach the disk's files together or not at all
  options.max_open_files = -1;  // a secondary instance must hold the files that the primary deletes
  options.max_file_opening_threads = 1;  // otherwise every catch-up of a secondary starts 15 threads to open no files
  options.max_background_jobs = 2;
  options.max_total_wal_size = 128u << 20;  // bounds what is replayed at a start
  options.write_buffer_manager = memory.write_buffers;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(const RocksMemory::Impl& memory) {
  const auto options = family_options(memory);
  return {{rocksdb::kDefaultColumnFamilyName, {}}, {"rows", options}, {"index", options}, {"meta", options}};
}

// The first key that does not start with `prefix`; empty: there is none.
std::string behind(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

// Iterates the keys of a prefix; `end` and its slice must outlive the iterator.
struct PrefixScan {
  explicit PrefixScan(std::string_view prefix) : end(behind(prefix)), end_slice(end) {
    if (!end.empty()) options.iterate_upper_bound = &end_slice;
    options.total_order_seek = true;
  }
  PrefixScan(const PrefixScan&) = delete;
  std::string end;
  rocksdb::Slice end_slice;
  rocksdb::ReadOptions options;
};

}  // namespace

void require_ok(const rocksdb::Status& status, const std::string& what) {
  if (status.ok()) return;
  const std::string sentence = what + ": " + status.ToString();
  if (status.IsCorruption() || status.IsNotFound() || status.IsInvalidArgument() || status.IsPathNotFound())
    throw ViewDamaged(sentence);
  throw std::runtime_error(sentence);
}

RocksMemory::RocksMemory(std::size_t block_cache_bytes, std::size_t write_buffer_bytes)
    : impl_(new Impl{rocksdb::NewLRUCache(block_cache_bytes),
                     std::make_shared<rocksdb::WriteBufferManager>(write_buffer_bytes)}) {}
RocksMemory::~RocksMemory() = default;

ViewDb::ViewDb(std::string directory, rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> families)
    : directory_(std::move(directory)), db_(db), families_(std::move(families)) {}

ViewDb::~ViewDb() {
  for (auto* handle : families_) db_->DestroyColumnFamilyHandle(handle);
}

std::unique_ptr<ViewDb> ViewDb::open(const std::string& directory, bool create, const RocksMemory& memory) {
  auto options = db_options(memory.impl());
  options.create_if_missing = options.error_if_exists = options.create_missing_column_families = create;
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  require_ok(rocksdb::DB::Open(options, directory, descriptors(memory.impl()), &families, &db), "opening " + directory);
  std::unique_ptr<ViewDb> opened(new ViewDb(directory, db, std::move(families)));
  // Otherwise a damaged block is found by whoever asks for it, a query most likely, which cannot mend it. Reads every
  // table once: about a second a gigabyte.
  require_ok(db->VerifyChecksum(), "checking " + directory);
  return opened;
}

std::unique_ptr<ViewDb> ViewDb::follow(const std::string& directory, const std::string& scratch_directory,
                                       const RocksMemory& memory) {
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  require_ok(rocksdb::DB::OpenAsSecondary(db_options(memory.impl()), directory, scratch_directory,
                                          descriptors(memory.impl()), &families, &db),
             "following " + directory);
  return std::unique_ptr<ViewDb>(new ViewDb(directory, db, std::move(families)));
}

rocksdb::ColumnFamilyHandle* ViewDb::family(Family family) const {
  return families_[static_cast<std::size_t>(family) + 1];
}

std::optional<std::string> ViewDb::get(Family of, std::string_view key) const {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), family(of), slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  require_ok(status, "reading " + directory_);
  return value;
}

void ViewDb::forwards(Family of, std::string_view prefix, std::string_view from, const ViewReader::Visit& visit) const {
  const PrefixScan scan(prefix);
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan.options, family(of)));
  for (at->Seek(slice(from.empty() ? prefix : from)); at->Valid(); at->Next())
    if (!view(at->key()).starts_with(prefix) || !visit(view(at->key()), view(at->value()))) return;
  require_ok(at->status(), "reading " + directory_);
}

void ViewDb::backwards(Family of, std::string_view prefix, const ViewReader::Visit& visit) const {
  const PrefixScan scan(prefix);
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan.options, family(of)));
  for (at->SeekToLast(); at->Valid(); at->Prev())
    if (!view(at->key()).starts_with(prefix) || !visit(view(at->key()), view(at->value()))) return;
  require_ok(at->status(), "reading " + directory_);
}

LogPosition ViewDb::position(const LogId& log) const {
  const auto text = get(Family::meta, position_key(log));
  if (!text) return {};
  std::array<int64_t, 3> numbers{};
  const char* at = text->data();
  const char* const end = at + text->size();
  for (auto& number : numbers) {
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) throw ViewDamaged(directory_ + ": unreadable position of " + to_string(log));
    at = next == end ? next : next + 1;
  }
  return {numbers[0], numbers[1], numbers[2]};
}

std::string position_key(const LogId& log) { return "position/" + to_string(log); }

std::string encode_position(const LogPosition& position) {
  return std::to_string(position.offset) + " " + std::to_string(position.term) + " " +
         std::to_string(position.next_commit);
}

}  // namespace everfold
