// The way of an answer back to its connection. A connection is named by an id that is never used again, and is only
// touched by its I/O thread: an answer that comes too late finds no connection, and can't reach whoever got the file
// descriptor next.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "platform/http/server.hpp"

namespace everfold::http {

using ConnectionId = std::uint64_t;

// What other threads send to one I/O thread.
class Mailbox {
 public:
  struct Answer {
    ConnectionId connection;
    Response response;
  };
  struct Accepted {
    int socket;       // the receiver's from now on
    bool over_limit;  // to be told that there are too many, and closed
  };
  struct Contents {
    std::vector<Answer> answers;
    std::vector<Accepted> accepted;
    std::vector<ConnectionId> resume;  // connections that have more to read than one turn allows
    bool drain = false;
  };

  // Takes answers on the thread that calls, without a detour. Only the I/O thread itself has one.
  class Receiver {
   public:
    virtual void receive(Answer answer) = 0;

   protected:
    ~Receiver() = default;
  };

  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  int event_fd() const { return event_fd_; }
  void send(Answer answer);
  void send_accepted(Accepted accepted);
  void send_resume(ConnectionId connection);
  void send_drain();

  // Requests of this thread's connections that are being answered. False: `limit` of them are already; counted.
  bool begin_request(int limit);
  void end_request() { --requests_; }
  std::uint64_t requests_refused() const { return requests_refused_; }

  // For the I/O thread:
  static void set_thread_receiver(const Mailbox* mailbox, Receiver* receiver);
  Contents collect();

 private:
  template <class Put>
  void put(Put put);

  int event_fd_;
  std::mutex mutex_;
  bool signalled_ = false;
  Contents contents_;
  std::atomic<int> requests_ = 0;
  std::atomic<std::uint64_t> requests_refused_ = 0;
};

class Responder::Exchange {
 public:
  Exchange(std::shared_ptr<Mailbox> mailbox, ConnectionId connection, std::string trace_id);
  // Counts it among those that are being answered, until it is. False: there are too many.
  bool begin(int limit);
  // The first answer goes; later ones are dropped.
  void answer(Response response);
  void reject(const Rejection& rejection);

 private:
  std::shared_ptr<Mailbox> mailbox_;
  ConnectionId connection_;
  std::string trace_id_;
  bool counted_ = false;
  std::atomic<bool> answered_ = false;
};

}  // namespace everfold::http
