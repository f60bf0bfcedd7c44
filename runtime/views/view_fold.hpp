// The fold of logs into one open view: records in, batches of rows and positions out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/log/log_tail.hpp"
#include "runtime/views/view.hpp"

namespace everfold {

// An event that this code does not know (a later version wrote it) parks its aggregate in the view: the row stays as it
// was and is marked, in the batch that moves the position; its later events are left to the fold anew.
class ViewFold {
 public:
  // Goes on from the store's positions.
  ViewFold(View& view, ViewStore& store, const std::vector<LogId>& logs);

  // What a source is to be assigned, in the order of `logs`.
  std::vector<std::pair<LogId, int64_t>> positions() const;

  // Takes a record of logs[log]; folds nothing yet, so that nothing can go wrong inside a source's poll.
  void take(std::size_t log, const RecordView& record);
  // Folds what was taken; returns the number of events. Throws ViewDamaged.
  std::size_t fold();
  // Everything folded, in one batch.
  void write();

  std::size_t parked() const { return parked_.size(); }
  // Why, of those that were parked since the last call.
  std::vector<std::string> newly_parked() { return std::exchange(newly_parked_, {}); }
  std::size_t unwritten_records() const { return unwritten_records_; }
  int64_t next_offset(std::size_t log) const { return tails_[log].reader().next_offset(); }
  bool reached(const std::vector<int64_t>& offsets) const;
  // When what was folded of the log last happened; 0: nothing was yet.
  int64_t last_event_ms(std::size_t log) const { return last_event_ms_[log]; }

 private:
  void fold(const LogId& log, const StoredEvent& event);

  View& view_;
  ViewStore& store_;
  std::vector<LogTail> tails_;
  std::vector<LogPosition> written_;
  std::vector<std::pair<std::size_t, Commit>> taken_;
  std::set<std::string, std::less<>> parked_;                   // aggregates
  std::vector<std::pair<std::string, std::string>> unwritten_parked_;  // their index entries
  std::vector<std::string> newly_parked_;
  std::size_t unwritten_records_ = 0;
  std::vector<int64_t> last_event_ms_;
};

}  // namespace everfold
