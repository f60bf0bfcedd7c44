// The threads that move the server's bytes, on Pistache's reactor. Pistache's own Tcp::Transport is not used: it drops
// a client that closes its sending side, reads without bound, names the receiver of an answer by a file descriptor that
// may be another client's by then, and its queue of new connections can miss a wake-up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "platform/http/exchange.hpp"
#include "platform/http/server.hpp"
#include "platform/http/unique_fd.hpp"

namespace everfold::http {

// What the I/O threads share.
struct ServerShared {
  ServerOptions options;
  Router router;
  UniqueFd listening;
  std::vector<std::shared_ptr<Mailbox>> mailboxes;  // one a thread
  std::atomic<int> open_connections = 0;
  std::atomic<int> refused_connections = 0;  // beside these: only told that there are too many
  std::atomic<bool> stopping = false;
  std::mutex mutex;
  std::condition_variable connection_closed;  // while stopping
};

class IoThreads {
 public:
  explicit IoThreads(std::shared_ptr<ServerShared> shared);  // starts them
  ~IoThreads();                                              // stops them and closes what is still open

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace everfold::http
