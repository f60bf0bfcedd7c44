// The third mechanism: reads logs, turns events into commands. Stateless: what it must remember is kept by its consumer
// group.
//
// One translator reads the event topics of several contexts in one group. Of each partition it keeps a LogTail, whose
// place lies in the group's position: the offset, and "T.N" (term, next commit) as its note. The commands of a commit
// are sent, acknowledged, and only then does the position move: at least once, in the order of the source partition,
// nothing skipped.
//
// What cannot be done now (a provider that is away, Kafka that does not acknowledge) holds up its own partition and is
// tried again with exponential backoff. An event that cannot be read (written by a later version) is held up in the
// same way, reported each time: there is no parking of poisonous keys yet. The group cannot be told to pause or rewind,
// so what was read behind a held-up event waits in memory, up to `backlog_max_events` of all partitions; from there on
// nothing is read.
//
// A reaction must not block: that would hold up all partitions of its translator. One whose answer takes time (a payment
// provider's) answers Later and is asked again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/group_source.hpp"
#include "runtime/log_tail.hpp"

namespace everfold {

class Translator {
 public:
  // Not yet, and nothing is wrong: somebody is at work on the answer. Asked again when the time is over.
  struct Later {
    int64_t ask_again_ms;
  };
  struct Reacted : std::variant<std::vector<Command>, Later, Rejection> {
    Reacted(Later later) : variant(later) {}
    Reacted(Decided<std::vector<Command>> decided)
        : variant(decided ? variant(std::move(decided).value()) : variant(std::move(decided).error())) {}
  };
  // The commands that an event causes, always the same for the same event. A refusal: not now, ask again;
  // Code::unavailable is expected to pass by itself, others need somebody.
  using Reaction = std::function<Reacted(const StoredEvent&)>;
  using Reactions = std::map<std::string, std::vector<Reaction>, std::less<>>;  // by the context that they listen to

  // A partition is held up; it is tried again after `retry_in_ms`.
  using OnError = std::function<void(const LogId&, const Rejection&, int64_t retry_in_ms)>;

  struct Clock {
    std::function<int64_t()> now_ms;   // monotonic
    std::function<int64_t()> wall_ms;  // since 1970: when a command is sent, which becomes the time of its events
    std::function<void(int64_t)> sleep_ms;
  };

  struct Options {
    int poll_ms = 100;
    int send_timeout_ms = 10'000;
    int64_t backoff_first_ms = 100;
    int64_t backoff_max_ms = 10'000;
    std::size_t batch_commands = 5'000;  // a batch ends with the commit that reaches it
    std::size_t backlog_max_events = 20'000;
  };

  // Readable from any thread.
  struct Counters {
    std::atomic<uint64_t> events_read{0};
    std::atomic<uint64_t> commands_sent{0};
    std::atomic<uint64_t> retries{0};
    std::atomic<bool> joined{false};  // the group has given it its partitions, be they none
  };

  Translator(GroupSource& source, CommandSender& sender, Reactions reactions, OnError on_error, Clock clock,
             const Options& options);
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  void run(const std::stop_token& stop);  // wake the source after asking to stop
  void step();                            // one poll, its reactions, one batch, its positions

  const Counters& counters() const { return counters_; }

 private:
  // An accepted commit whose commands are not acknowledged yet.
  struct Work {
    std::vector<StoredEvent> events;
    LogPosition after;
    std::size_t reacted = 0;  // events whose commands are in `commands`
    std::vector<Command> commands;
  };
  struct Partition {
    LogTail tail;
    std::deque<Work> backlog;
    LogPosition safe;       // everything before it is acknowledged, or void
    LogPosition committed;  // what the group knows
    int failures = 0;       // in a row
    int64_t retry_at_ms = 0;
  };
  // What a batch holds of one partition: the first `commits` of its backlog.
  struct Share {
    const LogId* log;
    Partition* partition;
    std::size_t commits;
  };

  void assign(const std::vector<GroupSource::Assigned>& assigned);
  void forget(const LogId& log);
  void read(const LogId& log, const RecordView& record);
  bool may_read() const { return backlog_events_ < options_.backlog_max_events; }
  int64_t wait_ms() const;
  bool react(const LogId& log, Partition& partition, Work& work);
  Reacted commands_of(const StoredEvent& event) const;
  void send_batch();
  void send(const std::vector<Command>& batch, const std::vector<Share>& shares);
  void done(const Share& share);
  void commit_positions();
  void hold_up(const LogId& log, Partition& partition, const Rejection& why);

  GroupSource& source_;
  CommandSender& sender_;
  const Reactions reactions_;
  const OnError on_error_;
  const Clock clock_;
  const Options options_;
  std::map<LogId, Partition> partitions_;
  std::size_t backlog_events_ = 0;
  Counters counters_;
};

// The group's note beside a position: "3.1042" is term 3, next commit 1042.
std::string position_note(const LogPosition& position);
// Ends the program when the position has an offset but no such note: somebody moved it by hand, and events would be
// lost.
LogPosition position_from_note(const LogId& log, int64_t offset, std::string_view note);

}  // namespace everfold
