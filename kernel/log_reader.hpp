// The reading rules of a term-fenced log (docs/log-format.md), as a pure state machine: record in, verdict out. Every reader and
// every writer uses this one, so that all reach the same accepted history, whatever the writers did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

// The `ce_log` header of an event record: "3.1042.1/2" is event 1 of the 2 of commit 1042 of term 3. All from 1.
struct LogMark {
  int64_t term = 0;
  int64_t commit = 0;
  int part = 0;
  int parts = 0;
  bool operator==(const LogMark&) const = default;
};
std::optional<LogMark> parse_log_mark(std::string_view text);  // nothing unless it is exactly that, in range
std::string to_string(const LogMark& mark);

// Where a reader stands, always at a commit's end: enough to go on from there after a restart.
struct LogPosition {
  int64_t offset = 0;       // of the next record to read
  int64_t term = 0;         // 0: none yet
  int64_t next_commit = 1;  // 0: this term has a gap, the rest of it is void
  uint64_t origin = 0;      // a digest of the log's first record, which no other log has; 0: not read yet
  bool operator==(const LogPosition&) const = default;
};

enum class Verdict {
  term_started,  // a TermStarted that counts; what was being collected is void
  ignored,       // a TermStarted of an old term
  collecting,    // part of a commit that is not complete yet: keep it
  accepted,      // the last part: the commit, this record and those collected, is history
  fenced,        // of another term than the log's: void
  duplicate,     // of a commit that was accepted before: void
  gap,           // records are missing before it: void, with the rest of the term and what was being collected
};

class LogReader {
 public:
  LogReader() = default;
  explicit LogReader(const LogPosition& from) : position_(from) {}

  // Of the record at offset 0, before it is fed.
  void begin(uint64_t origin) { position_.origin = origin; }
  Verdict feed_term(int64_t offset, int64_t term);
  Verdict feed_event(int64_t offset, const LogMark& mark);

  int64_t term() const { return position_.term; }
  int64_t next_commit() const { return position_.next_commit; }
  int64_t next_offset() const { return next_offset_; }
  // Safe to save: where the last commit ended, or later when nothing is being collected.
  const LogPosition& position() const { return position_; }

 private:
  Verdict gap();
  Verdict settled(Verdict verdict);

  LogPosition position_;
  int64_t next_offset_ = position_.offset;
  int collected_ = 0;  // parts of commit next_commit seen so far
  int parts_ = 0;
};

}  // namespace everfold
