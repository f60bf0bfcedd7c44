#include "platform/process/program.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

namespace everfold::process {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void block_stop_signals() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void wait_for_stop() {
  const sigset_t signals = stop_signals();
  int received = 0;
  sigwait(&signals, &received);
  std::thread([] {
    std::this_thread::sleep_for(exit_within);
    logging::error("stopping took more than " + std::to_string(exit_within.count()) + " s: ended without having finished");
    logging::stop();
    std::_Exit(1);
  }).detach();
}

void request_stop() { ::kill(::getpid(), SIGTERM); }

int run_program(std::string_view name, logging::Level level, const std::function<void()>& run) {
  raise_descriptor_limit();
  logging::start(name, level);
  int code = 0;
  try {
    run();
  } catch (const std::exception& error) {
    logging::error(error.what());
    std::cerr << name << ": " << error.what() << '\n';
    code = 1;
  }
  logging::stop();
  return code;
}

}  // namespace everfold::process
