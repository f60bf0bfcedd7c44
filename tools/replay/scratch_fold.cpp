#include "tools/replay/scratch_fold.hpp"

#include <algorithm>

namespace everfold::replay {
namespace {

constexpr int64_t batch_events = 20'000;

}  // namespace

ScratchFold::ScratchFold(View& view, ViewStore& store, Admits admits)
    : view_(view), store_(store), admits_(std::move(admits)) {
  view_.attach(store_);
}

void ScratchFold::take(const LogId& log, const Commit& commit) {
  if (view_.context() != every_context && view_.context() != log.context) return;
  for (const StoredEvent& event : commit.events)
    if (admits_(log, event)) fold(log, event);
  positions_[log] = {commit.events.back().offset + 1, commit.mark.term, commit.mark.commit + 1, 0};
  if (unwritten_ >= batch_events) write();
}

void ScratchFold::fold(const LogId& log, const StoredEvent& event) {
  const std::string& id = event.meta.aggregate_id;
  if (parked_.contains(id)) return;
  ++unwritten_;
  if (view_.fold(event)) {
    ++events_;
    return;
  }
  parked_[id] = "view " + std::string(view_.name()) + " cannot read event " + std::to_string(event.meta.version) +
                " of " + id + " (" + event.meta.type + ", log " + to_string(log) + ", offset " +
                std::to_string(event.offset) + ")";
  newly_parked_.insert(id);
}

void ScratchFold::finish() { write(); }

void ScratchFold::write() {
  ViewBatch batch;
  view_.take_changes(batch);
  // Neighbours after each other are cheaper to put into a sorted store.
  std::sort(batch.rows.begin(), batch.rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const std::string& id : std::exchange(newly_parked_, {}))
    batch.index_puts.emplace_back(std::string(parked_prefix) + id, parked_.at(id));
  std::sort(batch.index_puts.begin(), batch.index_puts.end());
  for (const auto& [log, position] : std::exchange(positions_, {})) batch.positions.emplace_back(log, position);
  store_.write(batch);
  unwritten_ = 0;
}

}  // namespace everfold::replay
