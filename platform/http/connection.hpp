// One client's connection: reads requests one at a time, hands each to its handler, writes the answers in order. Lives
// on one I/O thread. Its socket is watched edge-triggered, once and for all; what is not read now (an answer is due
// first, or the client doesn't read its answers) stays in the kernel's buffer and slows the client down.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/exchange.hpp"
#include "platform/http/request_parser.hpp"
#include "platform/http/router.hpp"

namespace everfold::http {

using Clock = std::chrono::steady_clock;

// What the connections of one I/O thread share.
struct ConnectionContext {
  const Router::Impl& router;
  const ServerOptions& options;
  std::shared_ptr<Mailbox> mailbox;
  std::vector<char> scratch;  // what a read lands in
  Clock::time_point now;
  const std::atomic<bool>& stopping;  // each answer is its connection's last
};

class Connection {
 public:
  Connection(ConnectionContext& context, ConnectionId id, Mailbox::Accepted accepted);
  ~Connection();  // closes the socket
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_event(bool hung_up);                   // of the socket
  bool accept_answer(const Response& response);  // of the request in flight; true: advance() it later
  void advance();                                // does all that can be done now
  void tick();                                   // looks at the deadlines
  void refuse(const Rejection& rejection);       // and close, at the next advance()
  void drain();                                  // close unless something is to be answered, or will be in a moment
  void abort() { dead_ = true; }
  bool over_limit() const { return over_limit_; }
  bool dead() const { return dead_; }  // nothing more to do: let it go

 private:
  bool wants_input() const;
  bool take_input();
  bool take_from_socket();
  void take_end_of_input();
  std::size_t take(std::string_view bytes);
  void start_request();
  void flush();
  void close_gracefully();
  void discard_input();
  std::size_t unsent() const { return output_.size() - sent_; }

  ConnectionContext& context_;
  const ConnectionId id_;
  const int socket_;
  const bool over_limit_;
  RequestParser parser_;
  std::string unparsed_;          // bytes that came with, and belong behind, what was parsed
  bool unparsed_is_new_ = false;  // there may be a request in them
  std::string output_;
  std::size_t sent_ = 0;  // of output_
  bool advancing_ = false;
  bool readable_ = true;  // until a read says otherwise
  bool end_of_input_ = false;
  bool is_new_ = true;      // nothing was asked yet
  bool in_flight_ = false;  // a handler has the request
  bool head_only_ = false;  // of the request in flight, as the next two
  bool keep_alive_ = true;
  std::string correlation_id_;
  bool closing_ = false;    // after what is still to be written
  bool lingering_ = false;  // all is written: waiting for the client to close
  bool dead_ = false;
  Clock::time_point request_since_;
  Clock::time_point active_at_;  // something was read or written
};

}  // namespace everfold::http
