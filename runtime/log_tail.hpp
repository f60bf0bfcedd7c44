// One log, read by the rules: records in, accepted commits out.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "kernel/log_reader.hpp"
#include "runtime/stored_event.hpp"

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

  const LogId& log() const { return log_; }
  const LogReader& reader() const { return reader_; }
  const LogPosition& position() const { return reader_.position(); }

 private:
  LogId log_;
  LogReader reader_;
  std::vector<StoredEvent> collected_;
};

}  // namespace everfold
