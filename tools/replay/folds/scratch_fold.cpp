#include "tools/replay/folds/scratch_fold.hpp"

#include <algorithm>

namespace everfold::replay {
namespace {

constexpr int64_t batch_events = 20'000;

}  // namespace

ScratchFold::ScratchFold(View& view, ViewStore& store, Admits admits)
    : view_(view), store_(store), admits_(std::move(admits)) {
  store_.index(parked_prefix, [this](std::string_view key, std::string_view why) {
    parked_.emplace(key.substr(parked_prefix.size()), why);
    return true;
  });
  view_.attach(store_);
}

void ScratchFold::take(const LogId& log, const Commit& commit, const LogPosition& behind) {
  if (view_.context() != every_context && view_.context() != log.context) return;
  const auto [position, first] = positions_.try_emplace(log);
  if (first) position->second = store_.position(log);
  const bool folded = behind.offset <= position->second.offset;
  for (const StoredEvent& event : commit.events)
    if (admits_(log, event) && !folded) fold(log, event);
  if (!folded) position->second = behind;
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

void ScratchFold::write() {
  ViewBatch batch;
  view_.take_changes(batch);
  // Neighbours after each other are cheaper to put into a sorted store.
  std::sort(batch.rows.begin(), batch.rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const std::string& id : std::exchange(newly_parked_, {}))
    batch.index_puts.emplace_back(std::string(parked_prefix) + id, parked_.at(id));
  std::sort(batch.index_puts.begin(), batch.index_puts.end());
  for (const auto& [log, position] : positions_) batch.positions.emplace_back(log, position);
  store_.write(batch);
  unwritten_ = 0;
}

}  // namespace everfold::replay
