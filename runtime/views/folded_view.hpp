// A Projection (kernel/projection.hpp) as a View: decoding, a cache of rows that are folded again and again and written
// once a batch, and index entries kept in step with their row.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernel/projection.hpp"
#include "runtime/log/event_decoder.hpp"
#include "runtime/views/view.hpp"
#include "runtime/views/view_shelf.hpp"

namespace everfold {

// A view over every context reads no event: it keeps them as they are.
template <class V>
concept DecodesItself = Projection<V> && requires(std::string_view type, std::string_view bytes) {
  { V::decode(type, bytes) } -> std::same_as<std::optional<typename V::Event>>;
};

template <DecodesItself V>
class SelfDecoder {
 public:
  const typename V::Event* decode(std::string_view type, std::string_view bytes) {
    event_ = V::decode(type, bytes);
    return event_ ? &*event_ : nullptr;
  }

 private:
  std::optional<typename V::Event> event_;
};

template <Projection V>
struct DecoderOf {
  using type = EventDecoder<typename V::Event>;
};
template <DecodesItself V>
struct DecoderOf<V> {
  using type = SelfDecoder<V>;
};

// Every row is one event's: it is never read back to be folded.
template <class V>
concept AppendOnly = Projection<V> && requires {
  requires V::append_only;
};

// Equal rows give equal bytes (maps are sorted), so that a rebuild can be compared with what is served.
inline std::string serialize_row(const google::protobuf::MessageLite& row) {
  std::string bytes(row.ByteSizeLong(), '\0');
  google::protobuf::io::ArrayOutputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  row.SerializeWithCachedSizes(&out);
  return bytes;
}

template <Projection V>
class FoldedView final : public View {
 public:
  using Row = typename V::Row;
  using Event = typename V::Event;

  // `cache_bytes`: of memory; what one batch changes is kept beyond it until it is written.
  explicit FoldedView(std::size_t cache_bytes = 32u << 20) : cache_bytes_(cache_bytes) {}

  std::string_view name() const override { return V::name; }
  std::string_view context() const override { return V::context; }
  int version() const override { return V::version; }
  std::string_view row_type() const override { return Row::descriptor()->full_name(); }

  void attach(const ViewReader& store) override {
    store_ = &store;
    by_key_.clear();
    entries_.clear();
    changed_.clear();
    cached_bytes_ = 0;
  }

  bool fold(const StoredEvent& stored) override {
    const Event* event = decoder_.decode(stored.meta.type, stored.bytes);
    if (!event) return false;
    for (std::string& key : V::keys_of(*event, stored.meta)) {
      Entry& entry = find(std::move(key));
      entry.row = V::fold(std::move(entry.row), *event, stored.meta);
      if (!entry.changed) changed_.push_back(&entry);
      entry.changed = true;
    }
    return true;
  }

  void take_changes(ViewBatch& batch) override {
    for (Entry* entry : changed_) take(*entry, batch);
    changed_.clear();
    if constexpr (AppendOnly<V>) {
      by_key_.clear();
      entries_.clear();
    }
    while (cached_bytes_ > cache_bytes_) {
      cached_bytes_ -= entries_.back().bytes;
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }

 private:
  struct Entry {
    std::string key;
    std::optional<Row> row;
    std::vector<std::string> index_keys;  // as they are stored
    std::size_t bytes = 0;                // what it counts in the cache
    bool changed = false;
  };
  static constexpr std::size_t entry_bytes = sizeof(Entry) + 100;  // two nodes, of the list and the map

  Entry& find(std::string key) {
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return *found->second;
    }
    Entry& entry = entries_.emplace_front();
    entry.key = std::move(key);
    by_key_.emplace(entry.key, entries_.begin());
    if constexpr (!AppendOnly<V>) load(entry);
    count(entry);
    return entry;
  }

  void load(Entry& entry) {
    const auto stored = store_->row(entry.key);
    if (!stored) return;
    if (!entry.row.emplace().ParseFromString(*stored)) throw ViewDamaged("unreadable row " + entry.key);
    if constexpr (Indexed<V>) entry.index_keys = V::index_keys_of(*entry.row);
  }

  void count(Entry& entry) {
    if constexpr (AppendOnly<V>) return;  // kept for one batch only
    cached_bytes_ -= entry.bytes;
    entry.bytes = entry_bytes + entry.key.size();
    if (entry.row) entry.bytes += entry.row->SpaceUsedLong();  // an order takes some eight times what it has serialized
    for (const std::string& key : entry.index_keys) entry.bytes += sizeof key + key.size();
    cached_bytes_ += entry.bytes;
  }

  void take(Entry& entry, ViewBatch& batch) {
    entry.changed = false;
    std::optional<std::string> row;
    if (entry.row) row = serialize_row(*entry.row);
    batch.rows.emplace_back(entry.key, std::move(row));
    if constexpr (Indexed<V>) {
      auto keys = entry.row ? V::index_keys_of(*entry.row) : std::vector<std::string>();
      for (auto& gone : missing_in(keys, entry.index_keys)) batch.index_deletes.push_back(std::move(gone));
      for (auto& added : missing_in(entry.index_keys, keys)) batch.index_puts.emplace_back(std::move(added), entry.key);
      entry.index_keys = std::move(keys);
    }
    count(entry);
  }

  // Those of `keys` that are not in `others`.
  static std::vector<std::string> missing_in(const std::vector<std::string>& others,
                                             const std::vector<std::string>& keys) {
    std::vector<std::string> missing;
    for (const auto& key : keys)
      if (std::find(others.begin(), others.end(), key) == others.end()) missing.push_back(key);
    return missing;
  }

  const std::size_t cache_bytes_;
  const ViewReader* store_ = nullptr;
  typename DecoderOf<V>::type decoder_;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_key_;
  std::vector<Entry*> changed_;
  std::size_t cached_bytes_ = 0;
};

}  // namespace everfold
