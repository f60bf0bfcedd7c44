// Views in memory: for tests, and the smallest statement of what a ViewStore is
// (tests/contract/view_store_contract.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/views/view_shelf.hpp"
#include "runtime/views/views.hpp"

namespace everfold {

class MemoryViewStore : public ViewStore {
 public:
  using Sorted = std::map<std::string, std::string, std::less<>>;

  std::optional<std::string> row(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = rows_.find(key);
    return found == rows_.end() ? std::nullopt : std::optional(found->second);
  }
  void rows(std::string_view prefix, std::string_view from, const Visit& visit) const override {
    const std::lock_guard lock(mutex_);
    forwards(rows_, prefix, from, visit);
  }
  void rows_backwards(std::string_view prefix, const Visit& visit) const override {
    const std::lock_guard lock(mutex_);
    backwards(rows_, prefix, visit);
  }
  void index(std::string_view prefix, const Visit& visit) const override {
    const std::lock_guard lock(mutex_);
    forwards(index_, prefix, {}, visit);
  }
  void index_backwards(std::string_view prefix, const Visit& visit) const override {
    const std::lock_guard lock(mutex_);
    backwards(index_, prefix, visit);
  }
  LogPosition position(const LogId& log) const override {
    const std::lock_guard lock(mutex_);
    const auto found = positions_.find(log);
    return found == positions_.end() ? LogPosition{} : found->second;
  }
  void write(const ViewBatch& batch) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, row] : batch.rows) {
      if (row)
        rows_.insert_or_assign(key, *row);
      else
        rows_.erase(key);
    }
    for (const auto& key : batch.index_deletes) index_.erase(key);
    for (const auto& [key, row_key] : batch.index_puts) index_.insert_or_assign(key, row_key);
    for (const auto& [log, position] : batch.positions) positions_.insert_or_assign(log, position);
  }

  std::unique_ptr<ViewSnapshot> snapshot() const override {
    const std::lock_guard lock(mutex_);
    return std::make_unique<Copy>(*this);
  }
  void checkpoint(const std::string&, const std::string&) const override {
    throw CheckpointRefused("a store without a shelf has no directories");
  }
  void copy_from(const MemoryViewStore& other) {
    const std::scoped_lock lock(mutex_, other.mutex_);
    rows_ = other.rows_;
    index_ = other.index_;
    positions_ = other.positions_;
  }

  // Not while somebody writes.
  const Sorted& all_rows() const { return rows_; }
  const Sorted& all_index() const { return index_; }

 private:
  struct Copy final : ViewSnapshot {
    explicit Copy(const MemoryViewStore& of) : rows(of.rows_), index(of.index_), positions(of.positions_) {}
    void walk(Part part, std::string_view from, const ViewReader::Visit& visit) const override {
      forwards(part == Part::rows ? rows : index, "", from, visit);
    }
    LogPosition position(const LogId& log) const override {
      const auto found = positions.find(log);
      return found == positions.end() ? LogPosition{} : found->second;
    }
    Sorted rows, index;
    std::map<LogId, LogPosition> positions;
  };

  static void forwards(const Sorted& sorted, std::string_view prefix, std::string_view from, const Visit& visit) {
    for (auto at = sorted.lower_bound(from.empty() ? prefix : from); at != sorted.end(); ++at)
      if (!at->first.starts_with(prefix) || !visit(at->first, at->second)) return;
  }
  static void backwards(const Sorted& sorted, std::string_view prefix, const Visit& visit) {
    std::vector<std::pair<std::string_view, std::string_view>> found;
    forwards(sorted, prefix, {}, [&](std::string_view key, std::string_view value) {
      found.emplace_back(key, value);
      return true;
    });
    for (auto at = found.rbegin(); at != found.rend(); ++at)
      if (!visit(at->first, at->second)) return;
  }

  mutable std::recursive_mutex mutex_;  // who visits may read
  Sorted rows_, index_;
  std::map<LogId, LogPosition> positions_;
};

// Generations in memory; from any thread. `damage` and `vanish` do what disks and people do.
class MemoryViewShelf final : public ViewShelf {
 public:
  int64_t live() const override {
    const std::lock_guard lock(mutex_);
    return live_;
  }
  std::vector<int64_t> generations() const override {
    const std::lock_guard lock(mutex_);
    std::vector<int64_t> numbers;
    for (const auto& [generation, shelved] : shelved_) numbers.push_back(generation);
    for (const auto& [of, text] : notes_)  // a folder is made for it
      if (of.first > 0) numbers.push_back(of.first);
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
  }
  Opened open(int64_t generation) override {
    const std::lock_guard lock(mutex_);
    const auto found = shelved_.find(generation);
    if (found == shelved_.end()) throw ViewDamaged("there is no generation " + std::to_string(generation));
    if (found->second.damaged) throw ViewDamaged("generation " + std::to_string(generation) + " is damaged");
    return {std::make_unique<Handle>(*this, found->second), found->second.code_version};
  }
  std::unique_ptr<ViewStore> create(int64_t generation, int code_version) override {
    const std::lock_guard lock(mutex_);
    auto& shelved = shelved_[generation] = {std::make_shared<MemoryViewStore>(), code_version, false};
    return std::make_unique<Handle>(*this, shelved);
  }
  void set_live(int64_t generation) override {
    const std::lock_guard lock(mutex_);
    live_ = generation;
  }
  void set_aside(int64_t generation) override { remove(generation); }
  void remove(int64_t generation) override {
    const std::lock_guard lock(mutex_);
    shelved_.erase(generation);
    std::erase_if(notes_, [&](const auto& note) { return note.first.first == generation; });
  }
  std::string note(int64_t generation, const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = notes_.find({generation, name});
    return found == notes_.end() ? "" : found->second;
  }
  void set_note(int64_t generation, const std::string& name, const std::string& text) override {
    const std::lock_guard lock(mutex_);
    if (text.empty()) notes_.erase({generation, name});
    else
      notes_.insert_or_assign({generation, name}, text);
  }
  std::string about_checkpoint(const std::string& directory) const override {
    const std::lock_guard lock(mutex_);
    const auto found = checkpoints_.find(directory);
    return found == checkpoints_.end() ? "" : found->second.second;
  }
  void adopt(const std::string& directory, int64_t generation) override {
    const std::lock_guard lock(mutex_);
    const auto found = checkpoints_.find(directory);
    if (found == checkpoints_.end()) throw CheckpointRefused(directory + " is no checkpoint");
    Shelved& shelved = shelved_[generation] = found->second.first;
    shelved.store = std::make_shared<MemoryViewStore>();
    shelved.store->copy_from(*found->second.first.store);
  }
  std::string damage_of(int64_t generation) const override {
    const std::lock_guard lock(mutex_);
    return shelved_.contains(generation) ? "" : "it was deleted";
  }

  // What was written so far.
  const MemoryViewStore& store(int64_t generation) const { return *shelved_.at(generation).store; }
  void damage(int64_t generation) {
    const std::lock_guard lock(mutex_);
    shelved_.at(generation).damaged = true;
  }
  void vanish() {
    const std::lock_guard lock(mutex_);
    shelved_.clear();
    notes_.clear();
    live_ = 0;
  }

 private:
  struct Shelved {
    std::shared_ptr<MemoryViewStore> store;
    int code_version = 0;
    bool damaged = false;
  };
  // A store outlives the handle that wrote it, as files do.
  struct Handle final : ViewStore {
    Handle(MemoryViewShelf& on, const Shelved& shelved) : shelf(on), store(shelved.store), code_version(shelved.code_version) {}
    std::optional<std::string> row(std::string_view key) const override { return store->row(key); }
    void rows(std::string_view prefix, std::string_view from, const Visit& visit) const override {
      store->rows(prefix, from, visit);
    }
    void rows_backwards(std::string_view prefix, const Visit& visit) const override {
      store->rows_backwards(prefix, visit);
    }
    void index(std::string_view prefix, const Visit& visit) const override { store->index(prefix, visit); }
    void index_backwards(std::string_view prefix, const Visit& visit) const override {
      store->index_backwards(prefix, visit);
    }
    LogPosition position(const LogId& log) const override { return store->position(log); }
    void write(const ViewBatch& batch) override { store->write(batch); }
    std::unique_ptr<ViewSnapshot> snapshot() const override { return store->snapshot(); }
    void checkpoint(const std::string& directory, const std::string& about) const override {
      const std::lock_guard lock(shelf.mutex_);
      auto& made = shelf.checkpoints_[directory];
      if (made.first.store) throw CheckpointRefused(directory + " is there already");
      made = {{std::make_shared<MemoryViewStore>(), code_version, false}, about};
      made.first.store->copy_from(*store);
    }
    MemoryViewShelf& shelf;
    std::shared_ptr<MemoryViewStore> store;
    int code_version;
  };

  mutable std::mutex mutex_;
  std::map<int64_t, Shelved> shelved_;
  std::map<std::pair<int64_t, std::string>, std::string> notes_;
  std::map<std::string, std::pair<Shelved, std::string>> checkpoints_;  // by directory; with what was said about them
  int64_t live_ = 0;
};

}  // namespace everfold
