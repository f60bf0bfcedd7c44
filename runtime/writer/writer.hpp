// The writer: owns logs, decides commands one at a time, appends events, and answers when it has read them back (docs/log-format.md).
//
// One thread calls step() for ever; every other thread talks to it through submit() and own(). What holds:
//  - a caller hears "done" only after the command's commit was accepted by the reading rules and is in the index;
//  - a refusal is heard only after everything that it was decided on was accepted;
//  - a command id that was accepted once is never decided again: it is answered as before;
//  - after a doubt (the appender lost track) the writer takes its logs over with a new term, and what was pending is decided again:
//    what had been accepted meanwhile is known by its id, what had not never will be.
// A crash between any two steps loses nothing but answers: state, index and positions are folds of the logs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/shard.hpp"
#include "runtime/log/event_log.hpp"
#include "runtime/writer/command_bus.hpp"
#include "runtime/writer/event_index.hpp"
#include "runtime/writer/hosted_context.hpp"
#include "runtime/writer/owned_log.hpp"
#include "runtime/writer/writer_inbox.hpp"

namespace everfold {

struct WriterOptions {
  std::string owner;  // the node's name, for people
  std::string url;    // where other nodes reach it
  int partitions = 8;
  std::size_t max_queued = 8'192;     // commands waiting to be decided: beyond, 503
  std::size_t max_in_flight = 8'192;  // commits not read back yet: beyond, the queue waits
  int64_t deadline_ms = 10'000;       // from submit() to an answer, whatever it is
  // Before it refuses anything, an owner must have appended something no longer ago than that which has come back: it was no zombie
  // then. Less than the group takes to give its logs to another.
  int64_t max_doubt_ms = 5'000;
  std::size_t cached_states = 100'000;
  int64_t snapshot_every = 100;  // events of one aggregate
  std::size_t max_event_bytes = 900'000;
};

struct WriterStats {
  std::atomic<uint64_t> decided{0}, accepted{0}, refused{0}, repeated{0}, unavailable{0}, elsewhere{0}, void_records{0}, takeovers{0},
      depositions{0}, doubts{0};
};

struct LogStatus {
  LogId log;
  std::string role;  // "owner", "claiming", "standby"
  int64_t term = 0;
  std::size_t pending = 0;
  std::string owner_url;  // of the term's writer, as far as this node has read
};

class Writer final : public CommandBus {
 public:
  struct Edges {                              // where time and chance come in
    std::function<int64_t()> now_ms;          // never set: deadlines, and for how long an owner has been in doubt
    std::function<int64_t()> wall_ms;         // what people and processes call the time: in what is written, and of their timers
    std::function<std::string()> random_id;
    std::function<void(std::string_view)> say;  // what operators should read
    // Takes a command on whose log is another node's; "" when it is not known whose. Empty: its caller hears 503.
    std::function<void(QueuedCommand, const std::string& owner_url)> elsewhere{};
  };

  Writer(WriterOptions options, std::vector<std::unique_ptr<HostedContext>> contexts, LogSource& source,
         LogAppender& appender, EventIndex& index, Edges edges);
  ~Writer() override;

  // From any thread.
  void submit(Command command, Reply reply) override;
  void submit(QueuedCommand queued);  // with a deadline of its own
  void when_read(WantedPosition wanted, std::function<void(bool reached)> then) override;
  void when_read(ReadWait wait);
  // A command read from a command topic: waits for ownership as long as the shard is this node's, and has no deadline.
  // False: the queue is full, offer it again. `reply` is not called when the shard is taken away first.
  bool offer(Command command, Reply reply);
  // Whether this program knows such a command, whatever it would decide on it.
  bool can_read(const Command& command) const;
  int partition_of(std::string_view aggregate_id) const { return shard_of(aggregate_id, options_.partitions); }
  // From now on these logs should be this node's, and no others. What stays keeps its term: nothing pauses.
  void own(std::vector<LogId> logs);
  // The group is sharing the logs anew: what is owned goes on, but nothing is claimed until own() tells what is this node's.
  void await_assignment();
  std::vector<LogStatus> status() const;
  bool ready() const { return ready_; }
  // Has once read what its logs held: look-ups are not those of a node that has just started.
  bool has_caught_up() const { return caught_up_; }
  const WriterStats& stats() const { return stats_; }

  // The writer's thread.
  void step(int timeout_ms);
  // Takes no more commands; true when nothing is pending.
  bool drained();

 private:
  // A commit read back; its events lie in batch_ until they are written.
  struct Confirmed {
    CommandDone done;
    std::size_t first_event;
    std::size_t events;
    std::vector<QueuedCommand> callers;
  };

  std::size_t place_of(std::string_view context, std::string_view aggregate_id) const;
  void read_logs(int timeout_ms);
  void read(std::size_t place, const RecordView& record);
  void accept(OwnedLog& log, Commit commit);
  void on_term(OwnedLog& log, const TermStartedMark& term, Verdict verdict);
  void flush();
  void save_positions();
  void release();
  void release_readers(OwnedLog& log);
  bool may_refuse(OwnedLog& log);

  void take_over(OwnedLog& log);
  void start_term(OwnedLog& log, int64_t term, int64_t now_ms);
  void become_owner(OwnedLog& log);
  void depose(OwnedLog& log);
  void start_again_after_doubt();

  void take_queue();
  void assign(const std::vector<LogId>& ownership);
  void turn_away(OwnedLog& log, QueuedCommand queued);
  void handle(OwnedLog& log, QueuedCommand queued);
  void decide(OwnedLog& log, QueuedCommand queued);
  bool stalls(const OwnedLog& log) const;
  bool answer_repeated(OwnedLog& log, QueuedCommand& queued);
  void append(OwnedLog& log, CachedState& cached, QueuedCommand queued, std::vector<Encoded> events);
  Decided<CachedState*> state_of(OwnedLog& log, const std::string& aggregate_id);
  void maybe_snapshot(OwnedLog& log, const std::string& aggregate_id);

  void ring_timers();
  void expire_deadlines();
  void publish_status();
  bool look_whether_caught_up();

  const WriterOptions options_;
  const std::vector<std::unique_ptr<HostedContext>> contexts_;
  LogSource& source_;
  LogAppender& appender_;
  EventIndex& index_;
  const Edges edges_;

  std::deque<OwnedLog> logs_;  // by place: context × partitions + shard
  std::size_t in_flight_ = 0;   // commits appended and not read back, over all logs
  IndexBatch batch_;            // of this step
  std::set<std::size_t> moved_;  // logs whose position moved since it was saved
  std::vector<Confirmed> confirmed_;  // by this step
  std::vector<std::pair<Reply, Outcome>> answers_;  // released by this step, sent after the batch is written
  int64_t next_sweep_ms_ = 0;

  bool assigned_ = false;  // false: the group is sharing the logs anew
  bool was_assigned_ = false;  // once
  std::atomic<bool> caught_up_{false};
  WriterInbox inbox_;
  WriterStats stats_;
  std::atomic<bool> ready_{false};
  mutable std::mutex status_mutex_;
  std::vector<LogStatus> status_;
};

}  // namespace everfold
