#include "platform/rocksdb/view_db.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "platform/rocksdb/memory.hpp"
#include "platform/rocksdb/room.hpp"
#include "platform/rocksdb/set_aside.hpp"
#include "platform/rocksdb/status.hpp"

namespace everfold {
namespace {

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

rocksdb::CompressionType compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

constexpr int64_t batch_slots = 16'384;
constexpr int64_t batches_a_flush = 4'096;  // a flush may last while others are written: a few of them fit
constexpr std::string_view batches_key = "batches";

std::string slot_of(int64_t batch) { return std::to_string(batch % batch_slots); }

int64_t number_in(std::string_view text, const std::string& where) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) throw ViewDamaged(where + ": a number is unreadable");
  return number;
}

rocksdb::Options options_of(const RocksMemory::Impl& memory) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = memory.block_cache;
  table.cache_index_and_filter_blocks = true;  // which otherwise stay in memory for every file, and grow with the view
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // most rows that a fold asks for do not exist yet
  table.whole_key_filtering = true;
  table.format_version = 5;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = compression();
  options.write_buffer_size = 32u << 20;
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.max_open_files = -1;  // a secondary instance must hold the files that the primary deletes
  options.max_file_opening_threads = 1;  // otherwise every catch-up of a secondary starts 15 threads to open no files
  options.max_background_jobs = 2;
  options.max_total_wal_size = 128u << 20;  // bounds what is replayed at a start
  options.max_manifest_file_size = manifest_bytes;
  options.write_buffer_manager = memory.write_buffers;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  return options;
}

// A secondary instance can read for ever in a manifest whose last record has a wrong length (what the primary is in the middle of
// writing looks so for a moment, too), and in a manifest or log with a record of a kind that is for logs used again, which ours never are.
// A log may end in the middle of a record: that is what a kill leaves.
// Source: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
void require_readable(const std::filesystem::path& path, bool up_to_its_end) {
  constexpr std::size_t block_bytes = 32'768, header_bytes = 7;  // checksum (4), length (2), kind
  constexpr std::size_t unused_kind = 0, last_kind = 4;
  std::ifstream file(path, std::ios::binary);
  std::string block(block_bytes, '\0');
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(block[at])); };
  for (std::size_t begin = 0; file; begin += block_bytes) {
    const auto size = static_cast<std::size_t>(file.read(block.data(), block_bytes).gcount());
    for (std::size_t at = 0; at < size && block_bytes - at >= header_bytes;) {
      const std::size_t left = size - at, kind = left < header_bytes ? unused_kind : byte(at + 6);
      const std::size_t record = header_bytes + (left < header_bytes ? left : byte(at + 4) + 256 * byte(at + 5));
      if (kind > last_kind || (up_to_its_end && (kind == unused_kind || record > left)))
        throw ViewDamaged(path.string() + ": no record begins at byte " + std::to_string(begin + at));
      at += record;
    }
  }
}

void require_readable_logs(const std::string& directory) {
  std::error_code gone;  // then opening says so
  for (const auto& entry : std::filesystem::directory_iterator(directory, gone))
    if (entry.path().extension() == ".log") require_readable(entry.path(), false);
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
  if (is_damage(status)) throw ViewDamaged(sentence);
  throw ViewUnwritable(sentence);
}

RocksMemory::RocksMemory(std::size_t block_cache_bytes, std::size_t write_buffer_bytes)
    : impl_(new Impl{rocksdb::NewLRUCache(block_cache_bytes),
                     std::make_shared<rocksdb::WriteBufferManager>(write_buffer_bytes)}) {}
RocksMemory::~RocksMemory() = default;

ViewDb::ViewDb(std::string directory, rocksdb::DB* db) : directory_(std::move(directory)), db_(db) {}
ViewDb::~ViewDb() = default;

std::unique_ptr<ViewDb> ViewDb::open(const std::string& directory, bool create, const RocksMemory& memory) {
  if (create) std::filesystem::create_directories(directory);
  if (const std::string lack = lack_of_room(directory); !lack.empty()) throw ViewUnwritable("opening " + directory + ": " + lack);
  const Opening opening(directory);
  if (opening.fatal()) throw ViewDamaged(directory + ": " + fatal_opening);
  auto options = options_of(memory.impl());
  options.create_if_missing = options.error_if_exists = create;
  rocksdb::DB* db = nullptr;
  require_ok(rocksdb::DB::Open(options, directory, &db), "opening " + directory);
  std::unique_ptr<ViewDb> opened(new ViewDb(directory, db));
  // Otherwise a damaged block is found by whoever asks for it, a query most likely, which cannot mend it. Reads every
  // table once: about a second a gigabyte.
  require_ok(db->VerifyChecksum(), "checking " + directory);
  opened->require_batches();
  return opened;
}

std::unique_ptr<ViewDb> ViewDb::follow(const std::string& directory, const std::string& scratch_directory,
                                       const RocksMemory& memory) {
  Opening opening(scratch_directory);
  if (opening.fatal()) {
    opening.stay_fatal();  // this generation is not tried again: its writer hears of it
    throw ViewDamaged(directory + ": " + fatal_opening);
  }
  const ManifestState before = manifest_state(directory);
  require_readable(directory + "/" + before.first, true);
  require_readable_logs(directory);
  rocksdb::DB* db = nullptr;
  require_ok(rocksdb::DB::OpenAsSecondary(options_of(memory.impl()), directory, scratch_directory, &db),
             "following " + directory);
  std::unique_ptr<ViewDb> opened(new ViewDb(directory, db));
  opened->seen_ = before;
  opened->require_batches();
  return opened;
}

void ViewDb::catch_up() {
  const std::lock_guard lock(catching_up_);
  in_flux_ = true;
  try {
    require_ok(db_->TryCatchUpWithPrimary(), "catching up with " + directory_);
    tables_changed() ? require_batches() : require_new_batches();
  } catch (const std::runtime_error&) {
    whole_ = false;
    in_flux_ = false;
    throw;
  }
  in_flux_ = false;
}

// What is read while the view is caught up counts once it is known to be whole.
void ViewDb::require_whole() const {
  if (in_flux_) const std::lock_guard wait(catching_up_);
  if (!whole_) throw ViewDamaged(directory_ + " could not be followed");
}

// The manifest tells which tables there are: its name, and how long it is.
ViewDb::ManifestState ViewDb::manifest_state(const std::string& directory) {
  std::string name;
  std::ifstream(directory + "/CURRENT") >> name;
  std::error_code gone;  // a later one is named by now: not the same, then
  return {name, std::filesystem::file_size(directory + "/" + name, gone)};
}

// A secondary instance can hold on to what it read of a log whose tables have come and gone: a get finds the old value
// then, an iterator the new one.
int64_t ViewDb::count_batches() const {
  const auto text = get(Kind::meta, batches_key);
  std::optional<std::string> newest;
  forwards(Kind::meta, batches_key, "", [&](std::string_view, std::string_view value) {
    newest = value;
    return false;
  });
  if (text != newest) throw ViewDamaged(directory_ + ": what was read of its log is older than its tables");
  return text ? number_in(*text, directory_) : 0;
}

void ViewDb::require_batches() {
  const int64_t last = count_batches();
  int64_t found = 0;
  forwards(Kind::batch, "", "", [&](std::string_view slot, std::string_view number) {
    const int64_t batch = number_in(number, directory_);
    found += batch > last - batch_slots && batch <= last && slot == slot_of(batch);
    return true;
  });
  if (last < batches_ || found != std::min(last, batch_slots))
    throw ViewDamaged(directory_ + ": of its last batches, up to " + std::to_string(last) + ", there are " + std::to_string(found));
  batches_ = last;
}

void ViewDb::require_new_batches() {
  const int64_t last = count_batches();
  if (last < batches_) throw ViewDamaged(directory_ + ": batches that were there are missing");
  for (int64_t batch = std::max(batches_, last - batch_slots) + 1; batch <= last; ++batch) {
    const auto found = get(Kind::batch, slot_of(batch));
    if (!found || number_in(*found, directory_) != batch)
      throw ViewDamaged(directory_ + ": batch " + std::to_string(batch) + " of " + std::to_string(last) + " is missing");
  }
  batches_ = last;
}

void ViewDb::write(rocksdb::WriteBatch& batch) {
  const std::string number = std::to_string(batches_ + 1);
  require_ok(batch.Put(key_of(Kind::meta, batches_key), number), "writing " + directory_);
  require_ok(batch.Put(key_of(Kind::batch, slot_of(batches_ + 1)), number), "writing " + directory_);
  require_ok(db_->Write({}, &batch), "writing " + directory_);
  if (++batches_ % batches_a_flush != 0) return;
  rocksdb::FlushOptions in_background;
  in_background.wait = false;
  require_ok(db_->Flush(in_background), "writing " + directory_);
}

std::optional<std::string> ViewDb::get(Kind kind, std::string_view key, const rocksdb::Snapshot* at) const {
  std::string value;
  rocksdb::ReadOptions options;
  options.snapshot = at;
  const auto status = db_->Get(options, key_of(kind, key), &value);
  if (status.IsNotFound()) return std::nullopt;
  require_ok(status, "reading " + directory_);
  return value;
}

void ViewDb::forwards(Kind kind, std::string_view prefix, std::string_view from, const ViewReader::Visit& visit,
                      const rocksdb::Snapshot* snapshot) const {
  const std::string wanted = key_of(kind, prefix);
  PrefixScan scan(wanted);
  scan.options.snapshot = snapshot;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan.options));
  for (at->Seek(from.empty() ? wanted : key_of(kind, from)); at->Valid(); at->Next())
    if (!view(at->key()).starts_with(wanted) || !visit(view(at->key()).substr(1), view(at->value()))) return;
  require_ok(at->status(), "reading " + directory_);
}

void ViewDb::backwards(Kind kind, std::string_view prefix, const ViewReader::Visit& visit) const {
  const std::string wanted = key_of(kind, prefix);
  const PrefixScan scan(wanted);
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(scan.options));
  for (at->SeekToLast(); at->Valid(); at->Prev())
    if (!view(at->key()).starts_with(wanted) || !visit(view(at->key()).substr(1), view(at->value()))) return;
  require_ok(at->status(), "reading " + directory_);
}

LogPosition ViewDb::position(const LogId& log, const rocksdb::Snapshot* at) const {
  const auto text = get(Kind::meta, position_key(log), at);
  if (!text) return {};
  std::istringstream fields(*text);
  LogPosition position;
  if (!(fields >> position.offset >> position.term >> position.next_commit >> position.origin))
    throw ViewDamaged(directory_ + ": unreadable position of " + to_string(log));
  return position;
}

std::string key_of(ViewDb::Kind kind, std::string_view key) {
  std::string whole(1, static_cast<char>(kind));
  whole += key;
  return whole;
}

std::string position_key(const LogId& log) { return "position/" + to_string(log); }

std::string encode_position(const LogPosition& position) {
  return std::to_string(position.offset) + " " + std::to_string(position.term) + " " +
         std::to_string(position.next_commit) + " " + std::to_string(position.origin);
}

}  // namespace everfold
