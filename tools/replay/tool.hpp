// What the subcommands have in common: how to reach Kafka, when to stop, and how a run ends.
//
// A subcommand is a file pair: add_dump(app, tool) declares its options on a subcommand of `app` and sets tool.run, which main() calls.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include "platform/kafka/options.hpp"
#include "tools/replay/history/history.hpp"

namespace CLI {
class App;
}

namespace everfold::replay {

// closed_pipe: as a program that SIGPIPE ended; whoever read has seen enough.
enum ExitStatus { exit_ok = 0, exit_found = 1, exit_usage = 2, exit_closed_pipe = 141 };

// What was asked for makes no sense: a sentence that names the option and the remedy; exit_usage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Tool {
  kafka::KafkaOptions kafka;
  std::string cache_dir = ".everfold/state/replay";
  std::stop_token stop;          // SIGINT or SIGTERM came: end soon and say what is left behind
  std::function<int()> run;      // of the subcommand that was named; returns the exit status, throws std::runtime_error with a sentence
  std::string command;           // as given, for what remembers it

  History history() const;
};

// A time as people give it: RFC 3339, or a day ("2026-12-03": its midnight, UTC). Throws UsageError that names `option`.
int64_t parse_when(std::string_view text, std::string_view option);
std::optional<int64_t> parse_when_given(const std::string& text, std::string_view option);  // nothing: "" was given

}  // namespace everfold::replay
