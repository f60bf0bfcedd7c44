// The threads of a node's forwarder, and the attempts that they wait for.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/writer/forward_queue.hpp"
#include "tests/simulator/process.hpp"

namespace everfold::simulator {

// The network between nodes, as one of them sees it.
struct PeerNetwork {
  std::string url;                 // this node's
  std::vector<std::string> peers;  // all that there are, itself among them
  // The answer, if any comes, is brought to SimForwarder::heard(). What is sent is the whole Command, `fresh_id` too.
  std::function<void(const std::string& to, int64_t attempt, const Command& command, int64_t timeout_ms)> send;
};

class SimForwarder {
 public:
  SimForwarder(Process& process, PeerNetwork network, ForwardQueue::Edges edges);

  void forward(QueuedCommand queued, const std::string& url) { queue_.put(std::move(queued), url); }
  void heard(int64_t attempt, PeerAnswer answer);  // of an attempt that is over: nothing
  void step();
  bool idle() const { return queue_.open() == 0; }
  void close();

 private:
  struct Attempt {
    std::string url;
    QueuedCommand queued;
    int64_t until_ms;
  };

  Process& process_;
  const PeerNetwork network_;
  ForwardQueue queue_;
  std::map<int64_t, Attempt> attempts_;
  int64_t next_attempt_ = 1;
};

}  // namespace everfold::simulator
