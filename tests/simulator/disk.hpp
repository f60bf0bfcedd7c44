// Local disks: the youngest batches that were not synced may be gone after a crash, each as a whole
// (docs/decisions/0009-local-stores-without-fsync.md).
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "runtime/views/memory_view_store.hpp"
#include "runtime/writer/memory_event_index.hpp"
#include "tests/simulator/process.hpp"

namespace everfold::simulator {

// `Store`: what lies there; `Batch`: what it is written by.
template <class Store, class Batch>
class Disk {
 public:
  void write(Process& process, const Batch& batch) {
    if (!process.touch()) return;
    batches_.push_back(batch);
    store_->write(batch);
    if (process.universe->random.one_in(10)) synced_ = batches_.size();
    process.touch();
  }
  const Store& store() const { return *store_; }

  void lose_unsynced(Random& random) {
    batches_.resize(static_cast<std::size_t>(
        random.between(static_cast<int64_t>(synced_), static_cast<int64_t>(batches_.size()))));
    synced_ = batches_.size();
    store_ = std::make_unique<Store>();
    for (const Batch& batch : batches_) store_->write(batch);
  }
  void wipe() {
    batches_.clear();
    synced_ = 0;
    store_ = std::make_unique<Store>();
  }

 private:
  std::unique_ptr<Store> store_ = std::make_unique<Store>();
  std::vector<Batch> batches_;
  std::size_t synced_ = 0;
};

using IndexDisk = Disk<MemoryEventIndex, IndexBatch>;
using ViewDisk = Disk<MemoryViewStore, ViewBatch>;

class SimEventIndex final : public EventIndex {
 public:
  SimEventIndex(Process& process, IndexDisk& disk) : process_(process), disk_(disk) {}

  void write(const IndexBatch& batch) override { disk_.write(process_, batch); }
  LogPosition position(const LogId& log) const override { return disk_.store().position(log); }
  std::string owner(const LogId& log) const override { return disk_.store().owner(log); }
  std::optional<KnownCommand> command(const std::string& id) const override { return disk_.store().command(id); }
  std::optional<Snapshot> snapshot(const std::string& context, const std::string& id) const override {
    return disk_.store().snapshot(context, id);
  }
  std::vector<std::pair<std::string, int64_t>> timers(const LogId& log) const override { return disk_.store().timers(log); }
  std::vector<StoredEvent> events(const std::string& context, const std::string& id, int64_t from_version,
                                  std::size_t limit) const override {
    return disk_.store().events(context, id, from_version, limit);
  }

 private:
  Process& process_;
  IndexDisk& disk_;
};

class SimViewStore final : public ViewStore {
 public:
  SimViewStore(Process& process, ViewDisk& disk) : process_(process), disk_(disk) {}

  std::optional<std::string> row(std::string_view key) const override { return disk_.store().row(key); }
  void rows(std::string_view prefix, std::string_view from, const Visit& visit) const override {
    disk_.store().rows(prefix, from, visit);
  }
  void rows_backwards(std::string_view prefix, const Visit& visit) const override {
    disk_.store().rows_backwards(prefix, visit);
  }
  void index(std::string_view prefix, const Visit& visit) const override { disk_.store().index(prefix, visit); }
  void index_backwards(std::string_view prefix, const Visit& visit) const override {
    disk_.store().index_backwards(prefix, visit);
  }
  LogPosition position(const LogId& log) const override { return disk_.store().position(log); }
  void write(const ViewBatch& batch) override { disk_.write(process_, batch); }
  std::unique_ptr<ViewSnapshot> snapshot() const override { return disk_.store().snapshot(); }
  void checkpoint(const std::string& directory, const std::string& about) const override {
    disk_.store().checkpoint(directory, about);
  }

 private:
  Process& process_;
  ViewDisk& disk_;
};

}  // namespace everfold::simulator
