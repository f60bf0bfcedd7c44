#include "platform/rocksdb/event_index.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>

#include "kernel/check.hpp"
#include "platform/rocksdb/directory_lock.hpp"
#include "platform/rocksdb/room.hpp"
#include "platform/rocksdb/set_aside.hpp"
#include "platform/rocksdb/status.hpp"

namespace everfold::rocks {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view format = "everfold event index 3";

// One column family, whatever is in it: RocksDB's manifest says what a family's files are in one record, which is there or is not; of
// several families a cut manifest can keep the positions and lose the events. A key begins with what it is; then come parts ended by NUL
// (ids hold none), versions as 8 bytes, big endian, so that they sort.
enum class Kind : char { command = 'c', event = 'e', meta = 'm', snapshot = 's', timer = 't' };

std::string key_of(Kind kind, std::string_view rest) {
  std::string key(1, static_cast<char>(kind));
  key += rest;
  return key;
}

std::string key_of(Kind kind, std::string_view context, std::string_view id) {
  std::string key = key_of(kind, context);
  key += '\0';
  key += id;
  key += '\0';
  return key;
}

std::string position_key(const LogId& log) { return key_of(Kind::meta, "position/" + to_string(log)); }
std::string owner_key(const LogId& log) { return key_of(Kind::meta, "owner/" + to_string(log)); }

void put_number(std::string& out, int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((static_cast<uint64_t>(value) >> shift) & 0xff);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<int64_t>(text.size()));
  out += text;
}

// What is wrong with an index whose files were well when it was opened. Every way ends the program; the next start rebuilds what is
// damaged.
class Trouble {
 public:
  explicit Trouble(std::string directory) : directory_(std::move(directory)) {}

  // Left by the run before: why it ended. Empty: nothing.
  std::string left() const {
    if (!fs::exists(path())) return "";
    std::ifstream mark(path());
    const std::string what{std::istreambuf_iterator<char>(mark), {}};
    return "found while it was in use: " + (what.empty() ? "the disk was too full to say what" : what);
  }
  void forget() const { fs::remove(path()); }

  [[noreturn]] void damaged(const std::string& what) const {
    mark(what);
    fail("the event index in " + directory_ + " is damaged: " + what +
         ". It is not answered from any more; start again: it is set aside then, and read again from Kafka");
  }
  void require(const rocksdb::Status& status) const {
    if (status.ok()) return;
    if (is_damage(status)) damaged(status.ToString());
    fail("the event index in " + directory_ + " cannot be used: " + status.ToString() +
         ". Is the disk full, or not to be written? Mend that and start again: nothing is lost, the index goes on from Kafka");
  }

 private:
  std::string path() const { return directory_ + "/DAMAGED"; }
  // May fail, as everything may on an ailing disk: what is damaged is met again then, never answered from.
  void mark(const std::string& what) const { std::ofstream(path()) << what; }

  std::string directory_;
};

class Fields {
 public:
  Fields(std::string_view bytes, const Trouble& trouble) : rest_(bytes), trouble_(trouble) {}
  int64_t number() {
    uint64_t value = 0;
    for (const char c : take(8)) value = (value << 8) | static_cast<unsigned char>(c);
    return static_cast<int64_t>(value);
  }
  std::string text() {
    return std::string(take(static_cast<std::size_t>(number())));
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) trouble_.damaged("a value ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view rest_;
  const Trouble& trouble_;
};

std::string pack(const StoredEvent& event) {
  std::string out;
  out.reserve(event.bytes.size() + 400);
  const EventMeta& meta = event.meta;
  put_number(out, meta.version);
  put_number(out, meta.time_ms);
  put_number(out, event.offset);
  for (const std::string* text : {&meta.id, &meta.type, &meta.correlation_id, &meta.causation_id, &meta.traceparent,
                                  &meta.actor, &event.digest, &event.bytes})
    put_text(out, *text);
  return out;
}

StoredEvent unpack(Fields fields, const std::string& context, const std::string& id) {
  StoredEvent event;
  EventMeta& meta = event.meta;
  meta.context = context;
  meta.aggregate_id = id;
  meta.version = fields.number();
  meta.time_ms = fields.number();
  event.offset = fields.number();
  for (std::string* text : {&meta.id, &meta.type, &meta.correlation_id, &meta.causation_id, &meta.traceparent,
                            &meta.actor, &event.digest, &event.bytes})
    *text = fields.text();
  return event;
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

// Tells of a flush or compaction that failed in the background.
class Background final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    const std::lock_guard lock(mutex_);
    if (error_.ok()) error_ = *status;
  }
  rocksdb::Status error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  mutable std::mutex mutex_;
  rocksdb::Status error_;
};

rocksdb::Options database_options(const IndexMemory& memory) {
  rocksdb::Options options;
  options.max_background_jobs = 2;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_manifest_file_size = manifest_bytes;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = rocksdb::NewLRUCache(memory.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;  // which otherwise stay in memory for every file, and grow with history
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = memory.write_buffer_bytes;
  // Most look-ups are for commands that were never seen: the memtable says so without a search.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.05;
  return options;
}

class RocksEventIndex final : public EventIndex {
 public:
  RocksEventIndex(const std::string& directory, const IndexSay& say, const IndexMemory& memory)
      : directory_(directory), lock_(directory), trouble_(directory), memory_(memory) {
    std::string damage = trouble_.left();
    if (damage.empty() && !fs::exists(directory + "/CURRENT") && has_database_files(directory)) damage = "it has no CURRENT file";
    if (damage.empty()) damage = open();
    if (damage.empty()) return;
    db_.reset();
    say("the event index in " + directory + " is damaged or of another format (" + damage + "): set aside in " + directory +
        "/damaged, and read again from Kafka from the beginning");
    set_database_aside(directory);
    trouble_.forget();
    damage = open();
    if (!damage.empty())
      throw std::runtime_error("a new event index in " + directory + " cannot be read: " + damage + ". Does the disk work?");
  }

  void write(const IndexBatch& batch) override {
    trouble_.require(background_->error());
    rocksdb::WriteBatch out;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      const StoredEvent& event = batch.events[i];
      std::string key = key_of(Kind::event, event.meta.context, event.meta.aggregate_id);
      put_number(key, event.meta.version);
      trouble_.require(out.Put(key, pack(event)));
      const bool last_of_command =
          i + 1 == batch.events.size() || batch.events[i + 1].meta.causation_id != event.meta.causation_id;
      if (last_of_command)
        trouble_.require(out.Put(key_of(Kind::command, event.meta.causation_id), pack_command(batch, i)));
    }
    for (const Snapshot& snapshot : batch.snapshots) {
      std::string value;
      put_number(value, snapshot.version);
      put_number(value, snapshot.code_version);
      put_text(value, snapshot.bytes);
      trouble_.require(out.Put(key_of(Kind::snapshot, snapshot.context, snapshot.aggregate_id), value));
    }
    for (const TimerChange& timer : batch.timers) {
      const std::string key = key_of(Kind::timer, to_string(timer.log), timer.aggregate_id);
      std::string value;
      if (timer.at_ms) put_number(value, *timer.at_ms);
      trouble_.require(timer.at_ms ? out.Put(key, value) : out.Delete(key));
    }
    for (const auto& [log, position] : batch.positions) {
      std::string value;
      put_number(value, position.offset);
      put_number(value, position.term);
      put_number(value, position.next_commit);
      put_number(value, static_cast<int64_t>(position.origin));
      trouble_.require(out.Put(position_key(log), value));
    }
    for (const auto& [log, url] : batch.owners) trouble_.require(out.Put(owner_key(log), url));
    trouble_.require(db_->Write(unlogged(), &out));
  }

  LogPosition position(const LogId& log) const override {
    const auto value = get(position_key(log));
    if (!value) return {};
    Fields fields(*value, trouble_);
    LogPosition position;
    position.offset = fields.number();
    position.term = fields.number();
    position.next_commit = fields.number();
    position.origin = static_cast<uint64_t>(fields.number());
    return position;
  }

  std::string owner(const LogId& log) const override { return get(owner_key(log)).value_or(""); }

  std::optional<KnownCommand> command(const std::string& command_id) const override {
    const auto value = get(key_of(Kind::command, command_id));
    if (!value) return std::nullopt;
    Fields fields(*value, trouble_);
    KnownCommand command;
    command.first_version = fields.number();
    command.last_version = fields.number();
    command.context = fields.text();
    command.aggregate_id = fields.text();
    command.digest = fields.text();
    return command;
  }

  std::optional<Snapshot> snapshot(const std::string& context, const std::string& id) const override {
    const auto value = get(key_of(Kind::snapshot, context, id));
    if (!value) return std::nullopt;
    Fields fields(*value, trouble_);
    Snapshot snapshot{context, id, fields.number(), 0, ""};
    snapshot.code_version = static_cast<int>(fields.number());
    snapshot.bytes = fields.text();
    return snapshot;
  }

  std::vector<std::pair<std::string, int64_t>> timers(const LogId& log) const override {
    std::vector<std::pair<std::string, int64_t>> found;
    const std::string prefix = key_of(Kind::timer, to_string(log)) + '\0';
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      std::string id = it->key().ToString().substr(prefix.size());
      id.pop_back();
      found.emplace_back(std::move(id), Fields(it->value().ToStringView(), trouble_).number());
    }
    trouble_.require(it->status());
    return found;
  }

  std::vector<StoredEvent> events(const std::string& context, const std::string& id, int64_t from_version,
                                  std::size_t limit) const override {
    std::vector<StoredEvent> found;
    const std::string prefix = key_of(Kind::event, context, id);
    std::string from = prefix;
    put_number(from, from_version);
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}));
    for (it->Seek(from); found.size() < limit && it->Valid() && it->key().starts_with(prefix); it->Next())
      found.push_back(unpack({it->value().ToStringView(), trouble_}, context, id));
    trouble_.require(it->status());
    return found;
  }

 private:
  // Returns what is wrong with the files; empty: nothing. Throws std::runtime_error with the remedy for the rest.
  std::string open() {
    if (const std::string lack = lack_of_room(directory_); !lack.empty()) refuse_to_open(lack);
    const Opening opening(directory_);
    if (opening.fatal()) return fatal_opening;
    rocksdb::Options options = database_options(memory_);
    const bool fresh = !fs::exists(directory_ + "/CURRENT");
    options.create_if_missing = options.error_if_exists = fresh;
    options.listeners.push_back(background_ = std::make_shared<Background>());
    rocksdb::DB* db = nullptr;
    rocksdb::Status status = rocksdb::DB::Open(options, directory_, &db);
    db_.reset(db);
    if (status.ok() && fresh) status = db_->Put(unlogged(), slice(format_key), slice(format));
    if (status.ok() && fresh) status = db_->Flush({});
    std::string found;
    if (status.ok()) status = db_->Get({}, slice(format_key), &found);
    if (status.ok() && found != format) return "its format is \"" + found + "\", this program's \"" + std::string(format) + "\"";
    // Otherwise a damaged block is met later, and ends the program then. Reads every table once: about a second a gigabyte.
    if (status.ok()) status = db_->VerifyChecksum();
    if (is_damage(status)) return status.ToString();
    if (!status.ok()) refuse_to_open(status.ToString());
    return "";
  }

  [[noreturn]] void refuse_to_open(const std::string& why) const {
    throw std::runtime_error("the event index in " + directory_ + " does not open: " + why +
                             ". Is the disk full, or not to be written? Mend that and start again");
  }

  // No write-ahead log: after a crash the tables of the last flush are there, events and positions of the same moment, and the rest is
  // read again from Kafka. A log of RocksDB's would be one more thing that can have a hole.
  static rocksdb::WriteOptions unlogged() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return options;
  }

  std::optional<std::string> get(const std::string& key) const {
    std::string value;
    const rocksdb::Status status = db_->Get({}, key, &value);
    if (status.IsNotFound()) return std::nullopt;
    trouble_.require(status);
    return value;
  }

  static std::string pack_command(const IndexBatch& batch, std::size_t last) {
    std::size_t first = last;
    while (first > 0 && batch.events[first - 1].meta.causation_id == batch.events[last].meta.causation_id) --first;
    std::string value;
    put_number(value, batch.events[first].meta.version);
    put_number(value, batch.events[last].meta.version);
    put_text(value, batch.events[last].meta.context);
    put_text(value, batch.events[last].meta.aggregate_id);
    put_text(value, batch.events[last].digest);
    return value;
  }

  static constexpr std::string_view format_key = "mformat";
  const std::string directory_;
  const DirectoryLock lock_;
  const Trouble trouble_;
  const IndexMemory memory_;
  std::shared_ptr<Background> background_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

std::unique_ptr<EventIndex> open_event_index(const std::string& directory, const IndexSay& say, const IndexMemory& memory) {
  return std::make_unique<RocksEventIndex>(directory, say, memory);
}

}  // namespace everfold::rocks
