// The accepted history of several logs, commit by commit: as it arrives, or merged by time, for those who must give it
// out at its pace. Within a log always in the log's order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "runtime/log/log_tail.hpp"

namespace everfold::replay {

class MergedHistory {
 public:
  enum class Order { as_it_comes, by_time };
  struct Next {
    LogId log;
    uint64_t origin = 0;  // of the log (LogPosition)
    Commit commit;
  };

  // Reads each log from its beginning to the end that it has now. Throws std::runtime_error when Kafka does not tell
  // the ends. `read_ahead`: commits that are held in memory before logs that have enough are read no further.
  MergedHistory(const std::vector<LogId>& logs, LogSource& source, Order order, std::size_t read_ahead = 200'000);

  // By time: the commit whose first event is oldest, of those that are next in their logs. Nothing: that was all, or
  // `stop`.
  std::optional<Next> next(const std::stop_token& stop);

  // The ends are asked anew: next() goes on with what was written since. Throws likewise.
  void go_on();

  // Void ones too. `total`: up to the ends.
  int64_t records_read() const { return records_read_; }
  int64_t records_total() const { return records_total_; }
  std::vector<std::pair<LogId, LogPosition>> positions() const;

 private:
  struct Log {
    LogTail tail;
    int64_t end = 0;
    std::deque<Commit> ahead = {};
    bool reading = true;
    bool ended() const { return tail.reader().next_offset() >= end; }
  };

  Log* oldest();
  bool some_log_is_unknown() const;
  void read_the_right_ones();
  void assign(bool (*wanted)(const Log&));
  void poll();

  LogSource& source_;
  const Order order_;
  const std::size_t read_ahead_;
  std::vector<Log> logs_;
  std::vector<Log*> assigned_;
  std::size_t held_ = 0;  // commits ahead, of all logs
  int64_t records_read_ = 0, records_total_ = 0;
};

}  // namespace everfold::replay
