#include "platform/http/connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kernel/check.hpp"
#include "platform/http/dispatch.hpp"
#include "platform/http/errors.hpp"
#include "platform/http/response_writer.hpp"

namespace everfold::http {
namespace {

constexpr std::size_t most_unsent_bytes = 256 << 10;  // more answers are not begun before the client reads these
constexpr int most_reads_a_turn = 16;                 // then the thread's other connections have theirs
constexpr std::chrono::milliseconds longest_linger{2'000};
constexpr std::chrono::milliseconds longest_linger_when_draining{200};
// Who has just connected is about to ask, and gets an answer although the program is stopping.
constexpr std::chrono::milliseconds first_request_when_draining{1'000};

using State = RequestParser::State;

}  // namespace

Connection::Connection(ConnectionContext& context, ConnectionId id, Mailbox::Accepted accepted)
    : context_(context),
      id_(id),
      socket_(accepted.socket),
      over_limit_(accepted.over_limit),
      parser_({context.options.max_header_bytes, context.options.max_body_bytes}),
      request_since_(context.now),
      active_at_(context.now) {
  if (over_limit_) refuse(everfold::reject(Code::unavailable, "Too many connections. Try again."));
}

Connection::~Connection() { ::close(socket_); }

void Connection::on_event(bool hung_up) {
  // The client is gone for good: it reset the connection, or both sides are closed.
  if (hung_up) dead_ = true;
  readable_ = true;
  if (!dead_) advance();
}

void Connection::advance() {
  if (advancing_) return;
  advancing_ = true;
  int turns = 0;
  do {
    while (wants_input() && turns < most_reads_a_turn && take_input()) ++turns;
    flush();
  } while (wants_input() && turns < most_reads_a_turn && (readable_ || unparsed_is_new_));
  if (turns == most_reads_a_turn) context_.mailbox->send_resume(id_);
  if (closing_ && !lingering_ && unsent() == 0) close_gracefully();
  if (lingering_) discard_input();
  advancing_ = false;
}

bool Connection::wants_input() const {
  return !in_flight_ && !closing_ && !dead_ && !end_of_input_ && unsent() < most_unsent_bytes;
}

// False: there is nothing to take.
bool Connection::take_input() {
  if (!unparsed_is_new_) return readable_ && take_from_socket();
  auto bytes = std::exchange(unparsed_, {});
  const auto taken = take(bytes);
  bytes.erase(0, taken);
  unparsed_ = std::move(bytes);
  unparsed_is_new_ = !unparsed_.empty() && parser_.state() == State::between;
  return true;
}

bool Connection::take_from_socket() {
  auto& scratch = context_.scratch;
  // What is left unparsed (a part of a method) goes before what comes now.
  std::copy(unparsed_.begin(), unparsed_.end(), scratch.begin());
  const auto kept = unparsed_.size();
  const auto got = ::recv(socket_, scratch.data() + kept, scratch.size() - kept, 0);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    readable_ = false;
    return false;
  }
  if (got <= 0) {
    dead_ = got < 0;
    take_end_of_input();
    return false;
  }
  active_at_ = context_.now;
  const std::string_view bytes(scratch.data(), kept + static_cast<std::size_t>(got));
  unparsed_.assign(bytes.substr(take(bytes)));
  unparsed_is_new_ = !unparsed_.empty() && parser_.state() == State::between;
  return true;
}

// A client that only closed its sending side still reads the answers that it is owed.
void Connection::take_end_of_input() {
  if (parser_.state() == State::reading) {
    refuse(everfold::reject(Code::malformed, "The request ended before it was complete."));
  }
  end_of_input_ = closing_ = true;
}

// Parses and, if that completes a request, has it answered. Returns how many bytes it used.
std::size_t Connection::take(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && wants_input()) {
    if (parser_.state() == State::between) request_since_ = context_.now;
    const auto taken = parser_.feed(bytes.substr(used));
    used += taken;
    if (parser_.state() == State::refused) {
      refuse(parser_.refusal());
    } else if (parser_.state() == State::complete) {
      start_request();
    } else {
      if (parser_.take_expects_continue()) output_ += continue_response;
      break;
    }
  }
  return used;
}

void Connection::start_request() {
  auto parsed = parser_.take();
  is_new_ = false;
  in_flight_ = true;
  head_only_ = parsed.request.method == Method::head;
  keep_alive_ = parsed.keep_alive;
  correlation_id_ = parsed.request.correlation_id;
  const auto exchange = std::make_shared<Responder::Exchange>(context_.mailbox, id_, parsed.request.trace_id);
  dispatch(context_.router, std::move(parsed), exchange, context_.options);
}

bool Connection::accept_answer(const Response& response) {
  check(in_flight_, "an answer without a request");
  in_flight_ = false;
  active_at_ = context_.now;
  if (context_.stopping) keep_alive_ = false;
  append_response(output_, response, {head_only_, keep_alive_, correlation_id_});
  closing_ = closing_ || !keep_alive_;
  return !advancing_;
}

void Connection::refuse(const Rejection& rejection) {
  const auto& request = parser_.partial_request();
  auto response = error_response(rejection, request.trace_id);
  if (rejection.code == Code::method_not_allowed) {
    response.headers.emplace_back("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  }
  append_response(output_, response, {request.method == Method::head, false, request.correlation_id});
  closing_ = true;
}

void Connection::flush() {
  while (!dead_ && unsent() > 0) {
    const auto put = ::send(socket_, output_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;  // an event will say when to go on
    if (put < 0) {
      dead_ = true;
      return;
    }
    sent_ += static_cast<std::size_t>(put);
    active_at_ = context_.now;
  }
  if (unsent() > 0) return;
  // Kept for the next answer, unless this one was large.
  if (output_.capacity() > most_unsent_bytes) output_ = {};
  output_.clear();
  sent_ = 0;
}

// Closing a socket that has unread input resets the connection, and the client may lose the answer that it has not read
// yet. So: say that nothing more will come, and wait for the client to close, for a while.
void Connection::close_gracefully() {
  if (dead_ || in_flight_) return;
  if (end_of_input_) {
    dead_ = true;
    return;
  }
  ::shutdown(socket_, SHUT_WR);
  lingering_ = readable_ = true;
  active_at_ = context_.now;
  unparsed_.clear();
  unparsed_is_new_ = false;
}

void Connection::discard_input() {
  for (int turns = 0; turns < most_reads_a_turn; ++turns) {
    const auto got = ::recv(socket_, context_.scratch.data(), context_.scratch.size(), 0);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    dead_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return;
  }
  context_.mailbox->send_resume(id_);
}

void Connection::tick() {
  const auto idle = context_.now - active_at_;
  if (lingering_) {
    dead_ = dead_ || idle > (context_.stopping ? longest_linger_when_draining : longest_linger);
  } else if (unsent() > 0) {
    dead_ = dead_ || idle > context_.options.request_timeout_ms;  // the client doesn't read
  } else if (in_flight_) {
    return;  // the handler's own deadline
  } else if (parser_.state() == State::reading) {
    if (context_.now - request_since_ <= context_.options.request_timeout_ms) return;
    refuse(everfold::reject(Code::request_timeout, "The request did not arrive in time."));
    advance();
  } else if (idle > (context_.stopping ? first_request_when_draining : context_.options.idle_timeout_ms)) {
    dead_ = true;
  }
}

void Connection::drain() {
  readable_ = true;
  advance();  // what has arrived is still answered
  if (in_flight_ || closing_ || parser_.state() == State::reading || is_new_) return;
  closing_ = true;
  dead_ = dead_ || unsent() == 0;  // all that it sent is answered and read
}

}  // namespace everfold::http
