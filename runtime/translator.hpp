// The third mechanism: reads logs, turns events into commands. Stateless: what it must remember is kept by its consumer
// group.
//
// One translator reads the event topics of several contexts in one group. Of each partition it keeps a LogTail, whose
// place lies in the group's position: the offset, and "T.N" (term, next commit) as its note. The commands of a commit
// are sent, acknowledged, and only then does the position move past it: at least once, in the order of the source
// partition for each aggregate, nothing skipped.
//
// An event that cannot be handled (written by a later version, a provider that is away), or whose answer takes too long,
// is parked (runtime/parking/parking.hpp) with all that follow of its aggregate; the others go on. What may pass is tried again
// by itself.
//
// What holds up everything (Kafka does not acknowledge) or a partition (too much of it is parked) is tried again with
// exponential backoff. What was read behind it waits in memory, up to `backlog_max_events` a partition; from there on
// the partition is paused.
//
// A reaction must not block: that would hold up all partitions of its translator. One whose answer takes time (a payment
// provider's) answers Later and is asked again; meanwhile other aggregates' events are.
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

#include "runtime/log/group_source.hpp"
#include "runtime/log/log_tail.hpp"
#include "runtime/parking/parking.hpp"

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
  // The commands that an event causes, always the same for the same event. A refusal parks the event's aggregate;
  // Code::unavailable is expected to pass by itself, others need somebody.
  using Reaction = std::function<Reacted(const StoredEvent&)>;
  using Reactions = std::map<std::string, std::vector<Reaction>, std::less<>>;  // by the context that they listen to

  // A partition is held up; it is tried again after `retry_in_ms`.
  using OnError = std::function<void(const LogId&, const Rejection&, int64_t retry_in_ms)>;

  struct Clock {
    std::function<int64_t()> now_ms;   // monotonic
    std::function<int64_t()> wall_ms;  // since 1970: when a command is sent, which becomes the time of its events
  };

  struct Options {
    int poll_ms = 100;
    int send_timeout_ms = 10'000;
    int64_t backoff_first_ms = 100;
    int64_t backoff_max_ms = 10'000;
    int64_t patience_ms = 7'000;  // with an answer that comes later: longer than this, it is parked
    std::size_t batch_commands = 5'000;  // a batch ends with the commit that reaches it
    std::size_t backlog_max_events = 5'000;  // of one partition
  };

  // Readable from any thread.
  struct Counters {
    std::atomic<uint64_t> events_read{0};
    std::atomic<uint64_t> commands_sent{0};
    std::atomic<uint64_t> retries{0};  // times that a partition was held up
    std::atomic<bool> joined{false};  // the group has given it its partitions, be they none
  };

  Translator(GroupSource& source, CommandSender& sender, Parking& parking, Reactions reactions, OnError on_error, Clock clock,
             const Options& options);
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  void run(const std::stop_token& stop);  // wake the source after asking to stop
  void step();                            // one poll, its reactions, one batch, what is due of the parked, its positions

  const Counters& counters() const { return counters_; }

 private:
  // An accepted commit that is not done with.
  struct Work {
    std::vector<StoredEvent> events;
    LogPosition after;
    std::size_t reacted = 0;  // events whose commands are in `commands`, or that are parked
    std::vector<Command> commands = {};
    int64_t asked_ms = 0;      // when the next event was asked about first, if it answered Later
    int64_t ask_again_ms = 0;  // not before
    bool done = false;         // acknowledged; it waits for those before it

    const std::string& aggregate_id() const { return events.front().meta.aggregate_id; }
  };
  struct Partition {
    LogTail tail;
    std::deque<Work> backlog;
    std::size_t backlog_events = 0;
    bool paused = false;
    LogPosition safe;       // everything before it is acknowledged, parked, or void
    LogPosition committed;  // what the group knows
    int failures = 0;       // in a row
    int64_t retry_at_ms = 0;  // held up until then
    int64_t look_at_ms = 0;   // when its backlog may have something to do
  };
  struct Batch {
    std::vector<Command> commands;
    std::vector<std::pair<const LogId*, Partition*>> partitions;
    std::vector<Work*> works;
  };

  void assign(const std::vector<GroupSource::Assigned>& assigned);
  void forget(const LogId& log);
  void read(const LogId& log, const RecordView& record);
  int64_t wait_ms() const;
  void send_batch();
  void collect(const LogId& log, Partition& partition, Batch& batch);
  bool react(const LogId& log, Work& work);
  bool react_to(const LogId& log, const StoredEvent& event, Work& work);
  Reacted commands_of(const StoredEvent& event) const;
  bool send(const std::vector<Command>& commands);
  void retry_parked();
  bool retry(const ParkedId& id, std::vector<Command>& batch, bool& readable);
  void commit_positions();
  void take_done(const LogId& log, Partition& partition);
  void hold_up(const LogId& log, Partition& partition, const Rejection& why);

  GroupSource& source_;
  CommandSender& sender_;
  Parking& parking_;
  const Reactions reactions_;
  const OnError on_error_;
  const Clock clock_;
  const Options options_;
  std::map<LogId, Partition> partitions_;
  Counters counters_;
};

// The group's note beside a position: "3.1042" is term 3, next commit 1042.
std::string position_note(const LogPosition& position);
// Ends the program when the position has an offset but no such note: somebody moved it by hand, and events would be
// lost.
LogPosition position_from_note(const LogId& log, int64_t offset, std::string_view note);

}  // namespace everfold
