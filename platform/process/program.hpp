// What the mains of the programs have in common: how one begins, fails and is told to stop.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "platform/logging/logging.hpp"

namespace everfold::process {

// First in main(): blocks SIGTERM and SIGINT for this thread and those that it starts, and ignores SIGPIPE.
void block_stop_signals();
// To what the machine allows: connections, Kafka and RocksDB want more than the usual 1024.
void raise_descriptor_limit();
// Returns when one of them has come. From then on the program has `exit_within` to end by itself; then it is ended, and
// says so: whatever is not written down by then is read again from Kafka.
inline constexpr std::chrono::seconds exit_within{25};
void wait_for_stop();
// As if one had come: for a part that cannot go on. From any thread.
void request_stop();

// Raises the descriptor limit, starts logging and runs; returns main()'s exit code. What `run` throws is the reason why the program could not go on: one sentence in
// the log and on standard error, and 1.
int run_program(std::string_view name, logging::Level level, const std::function<void()>& run);

}  // namespace everfold::process
