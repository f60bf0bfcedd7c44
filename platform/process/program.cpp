#include "platform/process/program.hpp"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>

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

void wait_for_stop() {
  const sigset_t signals = stop_signals();
  int received = 0;
  sigwait(&signals, &received);
}

void request_stop() { ::kill(::getpid(), SIGTERM); }

int run_program(std::string_view name, logging::Level level, const std::function<void()>& run) {
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
