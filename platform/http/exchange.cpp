#include "platform/http/exchange.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "kernel/check.hpp"
#include "platform/http/errors.hpp"

namespace everfold::http {
namespace {

thread_local const Mailbox* own_mailbox = nullptr;
thread_local Mailbox::Receiver* own_receiver = nullptr;

}  // namespace

Mailbox::Mailbox() : event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Mailbox::~Mailbox() {
  for (const auto& accepted : contents_.accepted) ::close(accepted.socket);
  ::close(event_fd_);
}

// One wake-up for as many messages as come before the I/O thread collects them.
template <class Put>
void Mailbox::put(Put put) {
  std::lock_guard lock(mutex_);
  put(contents_);
  if (std::exchange(signalled_, true)) return;
  const std::uint64_t one = 1;
  check(::write(event_fd_, &one, sizeof one) == sizeof one, "an eventfd takes no more");
}

void Mailbox::send(Answer answer) {
  if (own_mailbox == this) return own_receiver->receive(std::move(answer));
  put([&](Contents& contents) { contents.answers.push_back(std::move(answer)); });
}
void Mailbox::send_accepted(Accepted accepted) {
  put([&](Contents& contents) { contents.accepted.push_back(accepted); });
}
void Mailbox::send_resume(ConnectionId connection) {
  put([&](Contents& contents) { contents.resume.push_back(connection); });
}
void Mailbox::send_drain() {
  put([](Contents& contents) { contents.drain = true; });
}

bool Mailbox::begin_request(int limit) {
  if (requests_.fetch_add(1) < limit) return true;
  --requests_;
  ++requests_refused_;
  return false;
}

void Mailbox::set_thread_receiver(const Mailbox* mailbox, Receiver* receiver) {
  own_mailbox = mailbox;
  own_receiver = receiver;
}

Mailbox::Contents Mailbox::collect() {
  std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  const auto got = ::read(event_fd_, &count, sizeof count);
  check(got == sizeof count || errno == EAGAIN, "an eventfd can't be read");
  signalled_ = false;
  return std::exchange(contents_, {});
}

Responder::Exchange::Exchange(std::shared_ptr<Mailbox> mailbox, ConnectionId connection, std::string trace_id)
    : mailbox_(std::move(mailbox)), connection_(connection), trace_id_(std::move(trace_id)) {}

bool Responder::Exchange::begin(int limit) { return counted_ = mailbox_->begin_request(limit); }

void Responder::Exchange::answer(Response response) {
  if (answered_.exchange(true)) return;
  if (counted_) mailbox_->end_request();
  mailbox_->send({connection_, std::move(response)});
}

void Responder::Exchange::reject(const Rejection& rejection) { answer(error_response(rejection, trace_id_)); }

Responder::Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder let_go(std::move(*this));
  exchange_ = std::move(other.exchange_);
  return *this;
}

Responder::~Responder() {
  if (!exchange_) return;
  if (std::uncaught_exceptions() > 0) {
    exchange_->reject(everfold::reject(Code::internal, "Something went wrong here."));
  } else {
    exchange_->reject(everfold::reject(Code::unavailable, "The request was given up here. Try again."));
  }
}

void Responder::send(Response response) {
  check(exchange_ != nullptr, "a request is answered twice");
  std::exchange(exchange_, nullptr)->answer(std::move(response));
}

void Responder::reject(const Rejection& rejection) {
  check(exchange_ != nullptr, "a request is answered twice");
  std::exchange(exchange_, nullptr)->reject(rejection);
}

}  // namespace everfold::http
