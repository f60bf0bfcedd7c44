// One log, read by the rules: records in, accepted commits out.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "kernel/log_reader.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold {

// The events of one command, in order; all of one aggregate.
struct Commit {
  LogMark mark;  // of its last event
  std::vector<StoredEvent> events;
};

struct TailStep {
  Verdict verdict;
  std::optional<TermStartedMark> term;  // of a TermStarted, accepted or ignored
  std::optional<Commit> commit;         // with Verdict::accepted
};

class LogTail {
 public:
  LogTail(LogId log, const LogPosition& from) : log_(std::move(log)), reader_(from) {}

  TailStep feed(const RecordView& record);
  // Gives a commit back that is done with: its memory is used for the next ones.
  void recycle(Commit commit) { spare_.push_back(std::move(commit.events)); }

  const LogId& log() const { return log_; }
  const LogReader& reader() const { return reader_; }
  const LogPosition& position() const { return reader_.position(); }

 private:
  Commit take(const LogMark& mark);

  LogId log_;
  LogReader reader_;
  std::vector<StoredEvent> collected_;  // the first count_ of it; what is behind them is memory for more
  std::size_t count_ = 0;
  std::vector<std::vector<StoredEvent>> spare_;
};

}  // namespace everfold
