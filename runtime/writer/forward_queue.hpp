// What becomes of commands for other nodes' logs: the forwarder without its threads, so that a simulation can be those.
// Thread-safe; calls back without holding its lock.
//
// What holds: a command is answered once and by its deadline. The owner is a hint and may be wrong, gone or frozen; so
// a command that did not get there, or whose answer did not come, goes back to the writer, which knows the owners, and
// is routed again, always by the same id: done twice it cannot be. A node's answer "done" is passed on when this node
// has read the events too, so that what a caller was told, a look-up here finds. After an attempt that nobody answered
// nobody is told "no", or "there was nothing to do": the copy may lie in a frozen node's socket, and be done when that
// node owns the log again.
//
// Each node has a queue of its own: the first time that it does not answer, everything that waits for it is routed
// again. All queues together are bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/writer/command.hpp"
#include "runtime/writer/writer_inbox.hpp"

namespace everfold {

// What came of an attempt.
struct PeerAnswer {
  std::optional<Outcome> outcome;  // nothing: none came in time
  bool may_have_acted = true;      // false: it never got there
};

class ForwardQueue {
 public:
  struct Options {
    std::size_t most_open = 4'096;  // commands in its hands: beyond, 503
    int64_t attempt_ms = 3'000;     // after that the owner is asked for again: it may have changed
    int64_t first_backoff_ms = 20;
    int64_t last_backoff_ms = 500;
  };
  struct Edges {
    std::function<int64_t()> now_ms;           // the writer's clock
    std::function<void(QueuedCommand)> route;  // back to the writer
    std::function<void(ReadWait)> when_read;
  };
  struct Attempt {
    QueuedCommand queued;
    int64_t timeout_ms = 0;
  };

  ForwardQueue(Edges edges, Options options) : edges_(std::move(edges)), options_(options) {}

  // `url` "": nobody is known to own its log yet.
  void put(QueuedCommand queued, const std::string& url);
  // What is to be sent there next; what is too late for that is answered.
  std::optional<Attempt> next(const std::string& url);
  void conclude(const std::string& url, QueuedCommand queued, PeerAnswer answer);
  void route_due();  // to be called every few milliseconds while anything waits_to_be_routed()
  // Takes no more, and answers what is left. What next() has given out is to be concluded before.
  void close();

  bool waits_for(const std::string& url) const;
  bool waits_to_be_routed() const;
  std::size_t open() const;

 private:
  void settle(QueuedCommand queued, Outcome outcome);
  void route_later(QueuedCommand queued);
  void done_with(QueuedCommand queued, Outcome outcome);

  const Edges edges_;
  const Options options_;
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::size_t open_ = 0;
  std::map<std::string, std::deque<QueuedCommand>> waiting_;  // by URL
  std::multimap<int64_t, QueuedCommand> later_;               // by when they are routed again
};

}  // namespace everfold
