#include "platform/rocksdb/event_index.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "kernel/check.hpp"

namespace everfold::rocks {
namespace {

constexpr std::string_view format = "everfold event index 1";

// Keys: parts ended by NUL (ids hold none), versions as 8 bytes, big endian, so that they sort.
std::string key_of(std::string_view context, std::string_view id) {
  std::string key(context);
  key += '\0';
  key += id;
  key += '\0';
  return key;
}

void put_number(std::string& out, int64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((static_cast<uint64_t>(value) >> shift) & 0xff);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<int64_t>(text.size()));
  out += text;
}

class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  int64_t number() {
    uint64_t value = 0;
    for (const char c : take(8)) value = (value << 8) | static_cast<unsigned char>(c);
    return static_cast<int64_t>(value);
  }
  std::string text() {
    const int64_t size = number();
    check(size >= 0, "the local event index is damaged: delete this program's data directory, it is rebuilt from Kafka");
    return std::string(take(static_cast<std::size_t>(size)));
  }

 private:
  std::string_view take(std::size_t size) {
    check(size <= rest_.size(), "the local event index is damaged: delete this program's data directory, it is rebuilt from Kafka");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view rest_;
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

StoredEvent unpack(std::string_view bytes, const std::string& context, const std::string& id) {
  Fields fields(bytes);
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

void must(const rocksdb::Status& status) {
  if (!status.ok())
    fail("the local event index cannot be used: " + status.ToString() +
         ". If the disk is full, make room; if it is damaged, delete this program's data directory: it is rebuilt from Kafka");
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

class RocksEventIndex final : public EventIndex {
 public:
  explicit RocksEventIndex(const std::string& directory) {
    std::filesystem::create_directories(directory);
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.max_background_jobs = 2;
    options.keep_log_file_num = 2;
    options.atomic_flush = true;  // a position on disk must not be ahead of its events
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.block_cache = rocksdb::NewLRUCache(64 << 20);
    rocksdb::ColumnFamilyOptions family;
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.compression = rocksdb::kLZ4Compression;
    family.write_buffer_size = 16 << 20;  // near the cache's size: inserting is most of this program's work in RocksDB
    // Most look-ups are for commands that were never seen: the memtable says so without a search.
    family.memtable_whole_key_filtering = true;
    family.memtable_prefix_bloom_size_ratio = 0.05;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name : {"default", "events", "commands", "snapshots", "timers"}) families.emplace_back(name, family);
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened = rocksdb::DB::Open(options, directory, families, &handles_, &db);
    if (!opened.ok())
      throw std::runtime_error("the event index in " + directory + " does not open: " + opened.ToString() +
                               ". Is another process using it? If it is damaged, delete the directory: it is rebuilt from Kafka");
    db_.reset(db);
    std::string found;
    const rocksdb::Status read = db_->Get({}, "format", &found);
    if (read.IsNotFound()) must(db_->Put({}, "format", slice(format)));
    else if (found != format)
      throw std::runtime_error("the event index in " + directory + " has another format (" + found +
                               "): delete the directory, it is rebuilt from Kafka");
  }

  ~RocksEventIndex() override {
    for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  }

  void write(const IndexBatch& batch) override {
    rocksdb::WriteBatch out;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      const StoredEvent& event = batch.events[i];
      std::string key = key_of(event.meta.context, event.meta.aggregate_id);
      put_number(key, event.meta.version);
      must(out.Put(family(Family::events), key, pack(event)));
      const bool last_of_command =
          i + 1 == batch.events.size() || batch.events[i + 1].meta.causation_id != event.meta.causation_id;
      if (last_of_command) must(out.Put(family(Family::commands), event.meta.causation_id, pack_command(batch, i)));
    }
    for (const Snapshot& snapshot : batch.snapshots) {
      std::string value;
      put_number(value, snapshot.version);
      put_number(value, snapshot.code_version);
      put_text(value, snapshot.bytes);
      must(out.Put(family(Family::snapshots), key_of(snapshot.context, snapshot.aggregate_id), value));
    }
    for (const TimerChange& timer : batch.timers) {
      const std::string key = key_of(to_string(timer.log), timer.aggregate_id);
      std::string value;
      if (timer.at_ms) put_number(value, *timer.at_ms);
      must(timer.at_ms ? out.Put(family(Family::timers), key, value) : out.Delete(family(Family::timers), key));
    }
    for (const auto& [log, position] : batch.positions) {
      std::string value;
      put_number(value, position.offset);
      put_number(value, position.term);
      put_number(value, position.next_commit);
      must(out.Put(family(Family::meta), "position/" + to_string(log), value));
    }
    must(db_->Write({}, &out));
  }

  LogPosition position(const LogId& log) const override {
    const auto value = get(Family::meta, "position/" + to_string(log));
    if (!value) return {};
    Fields fields(*value);
    LogPosition position;
    position.offset = fields.number();
    position.term = fields.number();
    position.next_commit = fields.number();
    return position;
  }

  std::optional<KnownCommand> command(const std::string& command_id) const override {
    const auto value = get(Family::commands, command_id);
    if (!value) return std::nullopt;
    Fields fields(*value);
    KnownCommand command;
    command.first_version = fields.number();
    command.last_version = fields.number();
    command.context = fields.text();
    command.aggregate_id = fields.text();
    command.digest = fields.text();
    return command;
  }

  std::optional<Snapshot> snapshot(const std::string& context, const std::string& id) const override {
    const auto value = get(Family::snapshots, key_of(context, id));
    if (!value) return std::nullopt;
    Fields fields(*value);
    Snapshot snapshot{context, id, fields.number(), 0, ""};
    snapshot.code_version = static_cast<int>(fields.number());
    snapshot.bytes = fields.text();
    return snapshot;
  }

  std::vector<std::pair<std::string, int64_t>> timers(const LogId& log) const override {
    std::vector<std::pair<std::string, int64_t>> found;
    const std::string prefix = to_string(log) + '\0';
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, family(Family::timers)));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
      std::string id = it->key().ToString().substr(prefix.size());
      id.pop_back();
      found.emplace_back(std::move(id), Fields(it->value().ToStringView()).number());
    }
    must(it->status());
    return found;
  }

  std::vector<StoredEvent> events(const std::string& context, const std::string& id, int64_t from_version,
                                  std::size_t limit) const override {
    std::vector<StoredEvent> found;
    const std::string prefix = key_of(context, id);
    std::string from = prefix;
    put_number(from, from_version);
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, family(Family::events)));
    for (it->Seek(from); found.size() < limit && it->Valid() && it->key().starts_with(prefix); it->Next())
      found.push_back(unpack(it->value().ToStringView(), context, id));
    must(it->status());
    return found;
  }

 private:
  enum class Family : std::size_t { meta, events, commands, snapshots, timers };

  rocksdb::ColumnFamilyHandle* family(Family which) const { return handles_[static_cast<std::size_t>(which)]; }

  std::optional<std::string> get(Family which, const std::string& key) const {
    std::string value;
    const rocksdb::Status status = db_->Get({}, family(which), key, &value);
    if (status.IsNotFound()) return std::nullopt;
    must(status);
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

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace

std::unique_ptr<EventIndex> open_event_index(const std::string& directory) {
  return std::make_unique<RocksEventIndex>(directory);
}

}  // namespace everfold::rocks
