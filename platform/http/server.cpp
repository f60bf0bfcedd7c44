#include "platform/http/server.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "kernel/check.hpp"
#include "platform/http/io_threads.hpp"

namespace everfold::http {
namespace {

constexpr int backlog = 1024;

[[noreturn]] void cannot_listen(const ServerOptions& options, const char* why) {
  throw std::runtime_error("cannot listen on " + options.address + ":" + std::to_string(options.port) + ": " + why);
}

UniqueFd listen_on(const ServerOptions& options) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(options.address.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (failed != 0) cannot_listen(options, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);

  UniqueFd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), backlog) != 0) {
    cannot_listen(options, std::strerror(errno));
  }
  return socket;
}

uint16_t port_of(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0, "a socket has no address");
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

struct Server::Impl {
  std::shared_ptr<ServerShared> shared = std::make_shared<ServerShared>();
  std::unique_ptr<IoThreads> threads;  // while it runs
  uint16_t port = 0;
};

Server::Server(ServerOptions options, Router router) : impl_(std::make_unique<Impl>()) {
  check(options.threads > 0, "an HTTP server needs a thread");
  if (!options.on_error) {
    options.on_error = [](std::string_view what) {
      std::fprintf(stderr, "http: %.*s\n", static_cast<int>(what.size()), what.data());
    };
  }
  impl_->shared->options = std::move(options);
  impl_->shared->router = std::move(router);
}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

void Server::start() {
  check(impl_->port == 0, "an HTTP server is started once");
  auto& shared = *impl_->shared;
  shared.listening = listen_on(shared.options);
  impl_->port = port_of(shared.listening);
  impl_->threads = std::make_unique<IoThreads>(impl_->shared);
}

uint16_t Server::port() const { return impl_->port; }

uint64_t Server::requests_refused() const {
  uint64_t refused = 0;
  for (const auto& mailbox : impl_->shared->mailboxes) refused += mailbox->requests_refused();
  return refused;
}

void Server::stop(std::chrono::milliseconds drain_ms) {
  if (!impl_->threads) return;
  auto& shared = *impl_->shared;
  shared.stopping = true;
  for (const auto& mailbox : shared.mailboxes) mailbox->send_drain();
  {
    std::unique_lock lock(shared.mutex);
    shared.connection_closed.wait_for(lock, drain_ms, [&] { return shared.open_connections == 0 && shared.refused_connections == 0; });
  }
  impl_->threads.reset();
}

}  // namespace everfold::http
