// The accepted history of an installation, as every command of this program reads it: the commits that the reading
// rules accept (docs/log-format.md), never a void record.
//
// Nothing is written but bookmarks (tools/replay/history/bookmarks.hpp) into a cache directory that may be deleted at any time.
// With them a time range costs the blocks that can hold such events; without them, or when the log is another than
// theirs, the log's beginning too.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "platform/kafka/log_source.hpp"
#include "platform/kafka/topology.hpp"
#include "runtime/log/log_tail.hpp"
#include "tools/replay/history/bookmarks.hpp"
#include "tools/replay/output/progress.hpp"

namespace everfold::replay {

struct Wanted {                           // what of the history to read
  std::vector<std::string> contexts;      // empty: all, processes too
  std::optional<std::string> aggregate;   // only its commits, from its shard of each context
  std::optional<int64_t> from_ms, to_ms;  // of ce_time (of a commit's events, which have one), [from, to)
  std::map<LogId, std::pair<int64_t, int64_t>> offsets;  // of a commit's last event, [from, to), where given
  std::map<LogId, LogPosition> begin;  // nothing before it, and read from there on: of a former reading, see behind()
  bool follow = false;                 // go on at the end until stopped
};

class History {
 public:
  using Sink = std::function<bool(const LogId&, const Commit&)>;  // false: enough
  // What History needs of Kafka.
  struct Ports {
    // By context, of its event topic; without contexts that have none yet. Throws std::runtime_error.
    std::function<std::map<std::string, int>()> partitions;
    // Of these logs, in their order. Throws likewise.
    std::function<std::vector<kafka::Extent>(const std::vector<LogId>&)> extents;
    std::function<std::unique_ptr<LogSource>(kafka::Reading)> source;
  };

  // `contexts`: all that the installation may have. The partition count is Kafka's, not the options'. `cache_dir` "":
  // no bookmarks.
  History(kafka::KafkaOptions options, std::vector<std::string> contexts, std::string cache_dir);
  History(Ports ports, std::string cache_dir, std::string installation,
          int64_t block_records = Bookmarks::usual_block_records);

  // Calls `sink` once a commit, in log order within a log, logs interleaved as they arrive; ends when each log has been
  // read to the end it had at the start (or its bound), on stop, or when `sink` returns false. A commit that is not
  // whole by then is not history yet. Throws std::runtime_error with a sentence: Kafka is away, a log has lost its
  // beginning, … One thread at a time.
  void read(const Wanted& wanted, const Sink& sink, const std::stop_token& stop, ProgressLine* progress = nullptr);

  // Where another reading may go on behind this commit. Of one that `sink` is being called with.
  LogPosition behind(const LogId& log, const Commit& commit) const;
  // Why a reading that came to these positions was not one of these logs (a topic made anew, one that lost its end): a
  // sentence without its end. Nothing: it was.
  std::optional<std::string> foreign(const std::map<LogId, LogPosition>& positions);

  // By context; asked once.
  const std::map<std::string, int>& partitions();
  // The log of this aggregate in each context that has a topic.
  std::vector<LogId> logs_of(const std::string& aggregate_id);
  std::vector<LogId> logs();

  // From now on called with every record that is read, void ones too, before its commit goes to the sink. Must not
  // throw.
  using Watch = std::function<void(const LogId&, const RecordView&, const TailStep&)>;
  void watch(Watch watch) { watch_ = std::move(watch); }
  // From now on asked some ten times a second while nothing comes; false: enough.
  void while_idle(std::function<bool()> go_on) { go_on_ = std::move(go_on); }

 private:
  struct Log;
  std::vector<Log> wanted_logs(const Wanted& wanted);
  void learn_ends(std::vector<Log>& logs) const;
  void open_bookmarks(std::vector<Log>& logs);
  void discard_foreign(std::vector<Log>& logs);
  std::vector<uint64_t> digests_of(const std::vector<std::pair<LogId, int64_t>>& records) const;
  bool read_round(std::vector<Log*>& round, const Wanted& wanted, const Sink& sink, const std::stop_token& stop,
                  ProgressLine* progress);
  void save(const std::vector<Log>& logs) const;

  Ports ports_;
  BookmarkFiles files_;
  int64_t block_records_;
  std::optional<std::map<std::string, int>> partitions_;
  std::map<LogId, uint64_t> origins_;  // of the logs that are being read
  Watch watch_;
  std::function<bool()> go_on_ = [] { return true; };
};

}  // namespace everfold::replay
