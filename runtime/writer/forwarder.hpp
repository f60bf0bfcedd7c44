// Carries commands to the node that owns their log: any node takes any command, one hop. What becomes of them is
// ForwardQueue's business; here are the threads: some for each node (one kept-alive connection each), so that one that
// hangs holds up only what is for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "runtime/writer/forward_queue.hpp"

namespace everfold {

// The port to other nodes. Thread-safe.
class Peers {
 public:
  using Answer = PeerAnswer;
  virtual ~Peers() = default;
  virtual Answer send(const std::string& url, const Command& command, int64_t timeout_ms) = 0;
};

class Forwarder {
 public:
  using Edges = ForwardQueue::Edges;
  struct Options {
    int threads_per_node = 16;
    ForwardQueue::Options queue{};
  };

  Forwarder(Peers& peers, Edges edges) : Forwarder(peers, std::move(edges), Options()) {}
  Forwarder(Peers& peers, Edges edges, Options options);
  ~Forwarder() { stop(); }
  // Answers what is left and ends the threads. To be called before the writer goes, and the forwarder must outlive the
  // writer.
  void stop();

  // From any thread; never blocks. `url` "": nobody is known to own it yet.
  void forward(QueuedCommand queued, const std::string& url);

 private:
  struct Node {
    std::condition_variable_any wake;
    std::vector<std::jthread> threads;
  };

  void wake(const std::string& url);
  void serve(Node& node, const std::string& url, const std::stop_token& stop);
  void return_due(const std::stop_token& stop);

  Peers& peers_;
  const int threads_per_node_;
  ForwardQueue queue_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::map<std::string, std::unique_ptr<Node>> nodes_;  // every URL that ever owned a log: few
  std::condition_variable_any later_changed_;
  std::jthread clock_;
};

}  // namespace everfold
