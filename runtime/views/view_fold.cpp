#include "runtime/views/view_fold.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace everfold {

ViewFold::ViewFold(View& view, ViewStore& store, const std::vector<LogId>& logs)
    : view_(view), store_(store), last_event_ms_(logs.size()) {
  for (const LogId& log : logs) {
    written_.push_back(store.position(log));
    tails_.emplace_back(log, written_.back());
  }
  store.index(parked_prefix, [this](std::string_view key, std::string_view) {
    parked_.emplace(key.substr(parked_prefix.size()));
    return true;
  });
  view_.attach(store);
}

std::vector<std::pair<LogId, int64_t>> ViewFold::positions() const {
  std::vector<std::pair<LogId, int64_t>> positions;
  for (const LogTail& tail : tails_) positions.emplace_back(tail.log(), tail.position().offset);
  return positions;
}

void ViewFold::take(std::size_t log, const RecordView& record) {
  ++unwritten_records_;
  TailStep step = tails_[log].feed(record);
  if (step.commit) taken_.emplace_back(log, std::move(*step.commit));
}

std::size_t ViewFold::fold() {
  std::size_t events = 0;
  for (auto& [log, commit] : taken_) {
    for (const StoredEvent& event : commit.events) fold(tails_[log].log(), event);
    last_event_ms_[log] = commit.events.back().meta.time_ms;
    events += commit.events.size();
    tails_[log].recycle(std::move(commit));
  }
  taken_.clear();
  return events;
}

void ViewFold::fold(const LogId& log, const StoredEvent& event) {
  const std::string& id = event.meta.aggregate_id;
  if (parked_.contains(id) || view_.fold(event)) return;
  std::string why = "view " + std::string(view_.name()) + " cannot read event " + std::to_string(event.meta.version) +
                    " of " + id + " (" + event.meta.type + ", log " + to_string(log) + ", offset " +
                    std::to_string(event.offset) +
                    "): a later version of Everfold wrote it, or its bytes are damaged; start that version's projector";
  parked_.insert(id);
  unwritten_parked_.emplace_back(std::string(parked_prefix) + id, why);
  newly_parked_.push_back(std::move(why));
}

void ViewFold::write() {
  if (unwritten_records_ == 0) return;
  ViewBatch batch;
  view_.take_changes(batch);
  // Neighbours after each other are cheaper to put into a sorted store.
  std::sort(batch.rows.begin(), batch.rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::ranges::move(std::exchange(unwritten_parked_, {}), std::back_inserter(batch.index_puts));
  std::sort(batch.index_puts.begin(), batch.index_puts.end());
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    if (tails_[i].position() == written_[i]) continue;
    batch.positions.emplace_back(tails_[i].log(), tails_[i].position());
    written_[i] = tails_[i].position();
  }
  if (!batch.positions.empty()) store_.write(batch);
  unwritten_records_ = 0;
}

bool ViewFold::reached(const std::vector<int64_t>& offsets) const {
  for (std::size_t i = 0; i < tails_.size(); ++i)
    if (next_offset(i) < offsets[i]) return false;
  return true;
}

}  // namespace everfold
