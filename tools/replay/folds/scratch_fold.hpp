// One view folded by today's code from commits as they are read, into a store of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/log/log_tail.hpp"
#include "runtime/views/view.hpp"

namespace everfold::replay {

// What the projector's fold is (runtime/views/view_fold.hpp), but over what was chosen of the history: an event that this
// code does not know parks its aggregate; positions say how far each log was read, not that all of it was folded. Rows
// and positions are written together, so another fold goes on from what the store holds.
class ScratchFold {
 public:
  using Admits = std::function<bool(const LogId& log, const StoredEvent& event)>;

  // Both outlive it.
  ScratchFold(View& view, ViewStore& store, Admits admits);

  // `behind`: where a reader stands then. Commits of logs that the view does not fold are none of its business. What
  // lies before the store's position is not folded again, but `admits` is asked, which may count.
  void take(const LogId& log, const Commit& commit, const LogPosition& behind);
  // What was folded and is not in the store yet.
  void write();

  int64_t events() const { return events_; }
  // Why, of each aggregate that could not be folded on.
  const std::map<std::string, std::string>& parked() const { return parked_; }

 private:
  void fold(const LogId& log, const StoredEvent& event);

  View& view_;
  ViewStore& store_;
  const Admits admits_;
  std::map<std::string, std::string> parked_;
  std::set<std::string> newly_parked_;
  std::map<LogId, LogPosition> positions_;  // behind what was taken
  int64_t events_ = 0;
  int64_t unwritten_ = 0;
};

}  // namespace everfold::replay
