#include "platform/http/io_threads.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pistache/reactor.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <cerrno>
#include <exception>
#include <functional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "kernel/check.hpp"
#include "platform/http/connection.hpp"

namespace everfold::http {
namespace {

using Pistache::Flags;
using Pistache::Polling::Mode;
using Pistache::Polling::NotifyOn;
using Pistache::Polling::Tag;

// What an event of the reactor is about: one of these, or a connection's id.
constexpr std::uint64_t mail_tag = 1;
constexpr std::uint64_t timer_tag = 2;
constexpr std::uint64_t listening_tag = 3;
constexpr ConnectionId first_connection_id = 16;

constexpr long tick_ns = 250'000'000;
constexpr int most_accepts_a_turn = 64;
constexpr int most_polite_refusals = 1'024;  // at one time; above, connections are closed without a word
constexpr std::size_t scratch_bytes = 64 << 10;

UniqueFd open_timer() {
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  const itimerspec spec{{0, tick_ns}, {0, tick_ns}};
  if (!timer || ::timerfd_settime(timer.get(), 0, &spec, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "timerfd");
  }
  return timer;
}

UniqueFd open_reserve() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// One thread's part: a handler in the reactor. The first one also accepts, and deals the new connections out.
class IoThread final : public Pistache::Aio::Handler, private Mailbox::Receiver {
 public:
  // Pistache clones the handler that it is given once for each of its threads: the first is only the mould.
  explicit IoThread(std::shared_ptr<ServerShared> shared);
  ~IoThread() override;

  std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& events) override;

 private:
  bool accepts() const { return mailbox_ == shared_->mailboxes.front(); }
  void receive(Mailbox::Answer answer) override;
  void read_mail();
  void read_timer();
  void drain();
  void accept_some();
  void refuse_for_want_of_descriptors();
  void deal_out(int socket);
  void adopt(Mailbox::Accepted accepted);
  void close_connection(std::unordered_map<ConnectionId, std::unique_ptr<Connection>>::iterator connection);
  // Lets the connection go if nothing is left to do for it.
  template <class Act>
  void with_connection(ConnectionId id, Act act);
  template <class Act>
  void with_each_connection(Act act);

  std::shared_ptr<ServerShared> shared_;
  std::shared_ptr<Mailbox> mailbox_;
  UniqueFd timer_;
  UniqueFd reserve_;  // given up to accept, and close, a connection when there are no more descriptors
  std::size_t next_thread_ = 0;
  ConnectionId next_id_;
  ConnectionContext context_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> answered_;  // to be advanced at the end of this turn
};

IoThread::IoThread(std::shared_ptr<ServerShared> shared)
    : shared_(std::move(shared)),
      next_id_(first_connection_id),
      context_{shared_->router.impl(), shared_->options, nullptr, {}, Clock::now(), shared_->stopping} {}

IoThread::~IoThread() = default;

std::shared_ptr<Pistache::Aio::Handler> IoThread::clone() const { return std::make_shared<IoThread>(shared_); }

void IoThread::registerPoller(Pistache::Polling::Epoll& poller) {
  mailbox_ = std::make_shared<Mailbox>();
  context_.mailbox = mailbox_;
  context_.scratch.resize(scratch_bytes);
  timer_ = open_timer();
  poller.addFd(mailbox_->event_fd(), Flags<NotifyOn>(NotifyOn::Read), Tag(mail_tag));
  poller.addFd(timer_.get(), Flags<NotifyOn>(NotifyOn::Read), Tag(timer_tag));
  if (shared_->mailboxes.empty()) {
    reserve_ = open_reserve();
    poller.addFd(shared_->listening.get(), Flags<NotifyOn>(NotifyOn::Read), Tag(listening_tag));
  }
  shared_->mailboxes.push_back(mailbox_);
}

void IoThread::onReady(const Pistache::Aio::FdSet& events) {
  Mailbox::set_thread_receiver(mailbox_.get(), this);
  context_.now = Clock::now();
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& event = events[i];
    switch (const auto tag = event.getTag().value()) {
      case mail_tag:
        read_mail();
        break;
      case timer_tag:
        read_timer();
        break;
      case listening_tag:
        accept_some();
        break;
      default:
        with_connection(tag, [&](Connection& connection) { connection.on_event(event.isHangup()); });
    }
  }
  while (!answered_.empty()) {
    for (const auto id : std::exchange(answered_, {})) with_connection(id, &Connection::advance);
  }
}

void IoThread::receive(Mailbox::Answer answer) {
  const auto found = connections_.find(answer.connection);
  if (found == connections_.end()) return;  // the client went away
  if (found->second->accept_answer(answer.response)) answered_.push_back(answer.connection);
}

void IoThread::read_mail() {
  auto mail = mailbox_->collect();
  for (auto& answer : mail.answers) receive(std::move(answer));
  for (const auto& accepted : mail.accepted) adopt(accepted);
  for (const auto id : mail.resume) with_connection(id, &Connection::advance);
  if (mail.drain) drain();
}

void IoThread::read_timer() {
  std::uint64_t ticks = 0;
  const auto got = ::read(timer_.get(), &ticks, sizeof ticks);
  check(got == sizeof ticks || errno == EAGAIN, "a timerfd can't be read");
  with_each_connection(&Connection::tick);
}

void IoThread::drain() {
  if (accepts()) {
    accept_some();  // who connected before is still served
    reactor()->removeFd(key(), shared_->listening.get());
    shared_->listening.reset();
    reserve_.reset();
  }
  with_each_connection(&Connection::drain);
}

void IoThread::accept_some() {
  for (int i = 0; i < most_accepts_a_turn && shared_->listening; ++i) {
    const int socket = ::accept4(shared_->listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      deal_out(socket);
    } else if (errno == EMFILE || errno == ENFILE) {
      return refuse_for_want_of_descriptors();
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    }  // else that one connection's error: the next may be well
  }
}

// Left in the queue, it would wake us up again and again.
void IoThread::refuse_for_want_of_descriptors() {
  reserve_.reset();
  UniqueFd refused(::accept4(shared_->listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  refused.reset();
  reserve_ = open_reserve();
  shared_->options.on_error("no file descriptor is left for another connection");
}

void IoThread::deal_out(int socket) {
  // Only this thread accepts, so that between looking and counting there can only be fewer.
  const bool over_limit = shared_->open_connections >= shared_->options.max_connections;
  if (over_limit && shared_->refused_connections >= most_polite_refusals) {
    ::close(socket);
    return;
  }
  ++(over_limit ? shared_->refused_connections : shared_->open_connections);
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto& mailbox = *shared_->mailboxes[next_thread_++ % shared_->mailboxes.size()];
  if (&mailbox == mailbox_.get()) {
    adopt({socket, over_limit});
  } else {
    mailbox.send_accepted({socket, over_limit});
  }
}

void IoThread::adopt(Mailbox::Accepted accepted) {
  const auto id = next_id_++;
  connections_.emplace(id, std::make_unique<Connection>(context_, id, accepted));
  with_connection(id, [&](Connection& connection) {
    connection.advance();
    if (context_.stopping) connection.drain();
    if (connection.dead()) return;
    try {
      reactor()->registerFd(key(), accepted.socket, NotifyOn::Read | NotifyOn::Write | NotifyOn::Shutdown, Tag(id),
                            Mode::Edge);
    } catch (const std::exception& error) {
      shared_->options.on_error(std::string("a connection can't be watched: ") + error.what());
      connection.abort();
    }
  });
}

void IoThread::close_connection(std::unordered_map<ConnectionId, std::unique_ptr<Connection>>::iterator connection) {
  const bool over_limit = connection->second->over_limit();
  connections_.erase(connection);
  --(over_limit ? shared_->refused_connections : shared_->open_connections);
  if (!shared_->stopping) return;
  std::lock_guard lock(shared_->mutex);
  shared_->connection_closed.notify_all();
}

template <class Act>
void IoThread::with_connection(ConnectionId id, Act act) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  std::invoke(act, *found->second);
  if (found->second->dead()) close_connection(found);
}

template <class Act>
void IoThread::with_each_connection(Act act) {
  for (auto each = connections_.begin(); each != connections_.end();) {
    const auto connection = each++;
    std::invoke(act, *connection->second);
    if (connection->second->dead()) close_connection(connection);
  }
}

}  // namespace

struct IoThreads::Impl {
  std::shared_ptr<Pistache::Aio::Reactor> reactor = Pistache::Aio::Reactor::create();
};

IoThreads::IoThreads(std::shared_ptr<ServerShared> shared) : impl_(std::make_unique<Impl>()) {
  impl_->reactor->init(Pistache::Aio::AsyncContext(static_cast<std::size_t>(shared->options.threads), "http"));
  impl_->reactor->addHandler(std::make_shared<IoThread>(std::move(shared)));
  impl_->reactor->run();
}

IoThreads::~IoThreads() {
  impl_->reactor->shutdown();
  impl_->reactor.reset();  // joins
}

}  // namespace everfold::http
