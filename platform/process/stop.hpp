// How a program is told to stop: SIGTERM or SIGINT, taken by the main thread alone.
#pragma once

namespace everfold::process {

// First in main(): blocks the stop signals for this thread and those that it starts, and ignores SIGPIPE.
void block_stop_signals();
// Returns when one has come.
void wait_for_stop();
// As if one had come; from any thread.
void request_stop();

}  // namespace everfold::process
