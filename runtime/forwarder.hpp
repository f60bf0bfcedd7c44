// Carries commands to the node that owns their log: any node takes any command, one hop.
//
// What holds: a command is answered once and by its deadline. The owner is a hint and may be wrong, gone or frozen; so a command that
// did not get there, or whose answer did not come, goes back to the writer, which knows the owners, and is routed again, always by
// the same id: done twice it cannot be. A node's answer "done" is passed on when this node has read the events too, so that what a
// caller was told, a look-up here finds.
//
// Each node has a queue and threads of its own (one kept-alive connection each): one that hangs holds up only what is for it, and the
// first time that it does not answer, everything that waits for it is routed again. All queues together are bounded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "runtime/command.hpp"
#include "runtime/writer_inbox.hpp"

namespace everfold {

// The port to other nodes. Thread-safe.
class Peers {
 public:
  struct Answer {
    std::optional<Outcome> outcome;  // nothing: none came in time
    bool may_have_acted = true;      // false: it never got there
  };
  virtual ~Peers() = default;
  virtual Answer send(const std::string& url, const Command& command, int64_t timeout_ms) = 0;
};

class Forwarder {
 public:
  struct Options {
    int threads_per_node = 16;
    std::size_t most_open = 4'096;  // commands in the forwarder's hands: beyond, 503
    int64_t attempt_ms = 3'000;     // after that the owner is asked for again: it may have changed
    int64_t first_backoff_ms = 20;
    int64_t last_backoff_ms = 500;
  };
  struct Edges {
    std::function<int64_t()> now_ms;           // the writer's clock
    std::function<void(QueuedCommand)> route;  // back to the writer
    std::function<void(ReadWait)> when_read;
  };

  Forwarder(Peers& peers, Edges edges) : Forwarder(peers, std::move(edges), Options()) {}
  Forwarder(Peers& peers, Edges edges, Options options);
  ~Forwarder() { stop(); }
  // Answers what is left and ends the threads. To be called before the writer goes, and the forwarder must outlive the writer.
  void stop();

  // From any thread; never blocks. `url` "": nobody is known to own it yet.
  void forward(QueuedCommand queued, const std::string& url);

 private:
  struct Node {
    std::deque<QueuedCommand> waiting;
    std::condition_variable_any wake;
    std::vector<std::jthread> threads;
  };

  Node& node(const std::string& url);
  void serve(Node& node, const std::string& url, const std::stop_token& stop);
  void attempt(Node& node, const std::string& url, QueuedCommand queued);
  void settle(QueuedCommand queued, Outcome outcome);
  void route_later(QueuedCommand queued);
  void return_due(const std::stop_token& stop);
  void done_with(QueuedCommand queued, Outcome outcome);

  Peers& peers_;
  const Edges edges_;
  const Options options_;
  std::mutex mutex_;
  bool closed_ = false;
  std::size_t open_ = 0;
  std::map<std::string, std::unique_ptr<Node>> nodes_;  // every URL that ever owned a log: few
  std::multimap<int64_t, QueuedCommand> later_;         // by when they are routed again
  std::condition_variable_any later_changed_;
  std::jthread clock_;
};

}  // namespace everfold
