// The target's side of a copy: logs that hold the accepted history of other logs and nothing else.
//
// What says how far a copy has come lies in the target alone. Each copied event carries where it was taken from
// (`ce_copiedfrom`), and counts when it was read back as accepted. Within one target log what comes from one source log
// comes in the source's order; so the last accepted event of each source log says: up to here everything that belongs
// in this log is in it.
//
// A copy takes every target log over with a term of its own, as a writer does, before it asks what is there. So two
// copies at once fence each other: what the older one still appends is void, and the newer one has read everything that
// will ever count of it. A crash between any two steps:
//   a term is begun, nothing follows            the next run begins the next term
//   some of a commit's records are appended     its rest never comes: void, and copied again whole
//   a commit is appended, or accepted           the next run reads it back before it goes on behind it
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "runtime/log/log_tail.hpp"

namespace everfold::replay {

// Where an event lay: header `ce_copiedfrom`, "orders.3:1042@9af31c…" (log, offset, origin of the log in hex).
struct CopiedFrom {
  LogId log;
  int64_t offset = 0;
  uint64_t origin = 0;  // of the source log (LogPosition): a topic made anew is another source
  bool operator==(const CopiedFrom&) const = default;
};
std::string to_string(const CopiedFrom& from);
std::optional<CopiedFrom> parse_copied_from(std::string_view text);

class CopyTarget {
 public:
  struct Options {
    std::vector<std::string> contexts;
    int partitions = 8;
    // What of the source is copied and how (a bounded time, a --map); header `ce_copyrules` of the copy's terms. A run
    // with other rules is refused: it would mix two copies.
    std::string rules;
    int patience_ms = 60'000;  // with a Kafka from which nothing comes back
  };
  struct Edges {
    std::function<int64_t()> wall_ms;  // since 1970
    std::function<int64_t()> now_ms;   // monotonic
    std::function<std::string()> random_id;
  };

  // All of this throws std::runtime_error with a sentence when the target is no copy of this source, when somebody else
  // takes a log over, or when Kafka does not confirm. Running again goes on where this stopped.
  CopyTarget(Options options, LogSource& source, LogAppender& appender, Edges edges);

  // Reads what is there. False: stopped before.
  bool look(const std::stop_token& stop);
  // Then: takes every log over. What was accepted by then is all that earlier runs will ever have copied.
  bool take_over(const std::stop_token& stop);

  // Whether the commit is not in the target yet.
  bool lacks(const LogId& source, uint64_t origin, const Commit& commit);

  // False: the target has it already. `origin`: of the source log. Does not wait.
  bool append(const LogId& source, uint64_t origin, const Commit& commit);
  // Reads back what is there now, and goes on until at most `most_open` commits are not back. False: stopped before.
  bool read_back(std::size_t most_open, const std::stop_token& stop);
  // Reads back for as long as this, and no longer.
  void read_for(int64_t ms);

  std::size_t open() const { return open_; }       // commits appended and not read back
  int64_t events_there() const { return there_; }  // accepted, by this run or before
  std::vector<std::pair<LogId, LogPosition>> positions() const;

 private:
  struct Log {
    LogTail tail;
    std::string nonce;  // of this run's term
    bool mine = false;
    int64_t next_commit = 1;
    std::map<LogId, CopiedFrom> reached;  // by source log, accepted
    std::map<LogId, int64_t> appended;    // by source log, offset; by this run
    std::deque<int64_t> open;             // commit numbers
  };

  void read(std::size_t place, const RecordView& record);
  void on_term(Log& log, const RecordView& record, const TermStartedMark& term, bool counts);
  void accept(Log& log, const RecordView& record, Commit commit);
  std::size_t poll(int timeout_ms);
  bool read_until(const std::function<bool()>& done, const std::stop_token& stop);
  Log& log_of(const LogId& source, const Commit& commit);

  const Options options_;
  LogSource& source_;
  LogAppender& appender_;
  const Edges edges_;
  std::vector<Log> logs_;  // context × partitions + shard
  std::size_t open_ = 0;
  int64_t there_ = 0;
  std::string wrong_;  // what makes going on impossible
};

}  // namespace everfold::replay
