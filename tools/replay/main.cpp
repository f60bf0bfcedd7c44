// everfold-replay: asks an installation's whole history, from its event topics alone. It writes to no topic of the installation.
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <thread>

#include "platform/process/program.hpp"
#include "tools/replay/copy.hpp"
#include "tools/replay/diff.hpp"
#include "tools/replay/dump.hpp"
#include "tools/replay/run.hpp"
#include "tools/replay/saga.hpp"
#include "tools/replay/schema.hpp"
#include "tools/replay/show.hpp"
#include "tools/replay/sqlite.hpp"
#include "tools/replay/state.hpp"
#include "tools/replay/stats.hpp"
#include "tools/replay/tool.hpp"
#include "tools/replay/verify.hpp"

namespace everfold::replay {
namespace {

void declare_common(CLI::App& app, Tool& tool) {
  app.set_help_flag("--help,-h", "Print this and exit");
  app.set_help_all_flag("--help-all", "The help of every command");
  app.set_version_flag("--version", "everfold-replay " EVERFOLD_VERSION, "Print the version and exit");
  app.require_subcommand(1);
  app.fallthrough();  // the common options may stand behind the command too
  app.add_option("--brokers", tool.kafka.brokers, "Kafka's addresses, host:port[,host:port…]")
      ->envname("EVERFOLD_BROKERS")
      ->capture_default_str();
  app.add_option("--prefix", tool.kafka.prefix, "Of every topic of the installation")->envname("EVERFOLD_PREFIX")->capture_default_str();
  app.add_option("--cache-dir", tool.cache_dir,
                 "Where bookmarks into the logs are kept, so that a time range is found fast; may be deleted; \"\" keeps none")
      ->envname("EVERFOLD_REPLAY_CACHE_DIR")
      ->capture_default_str();
  app.footer("Each command has its own --help. Data go to standard output, progress and sentences to standard error.\n"
             "Exit status: 0 well; 1 something was found or failed; 2 wrong usage; 128 + signal when interrupted.");
  app.get_formatter()->column_width(34);
}

// SIGINT and SIGTERM ask for an end; the second one does not wait for it.
void listen_to_signals(std::stop_source stop, int& signal_received) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  std::thread([signals, stop, &signal_received]() mutable {
    int received = 0;
    sigwait(&signals, &received);
    signal_received = received;
    stop.request_stop();
    sigwait(&signals, &received);
    std::_Exit(128 + received);
  }).detach();
}

int run(Tool& tool) {
  try {
    return tool.run();
  } catch (const UsageError& error) {
    note(error.what());
    return exit_usage;
  } catch (const std::exception& error) {
    note(error.what());
    return exit_found;
  }
}

int main(int argc, char** argv) {
  process::block_stop_signals();
  CLI::App app("Travels through an Everfold installation's history: every event, as it lies in Kafka.", "everfold-replay");
  Tool tool;
  declare_common(app, tool);
  add_dump(app, tool);
  add_schema(app, tool);
  add_show(app, tool);
  add_stats(app, tool);
  add_verify(app, tool);
  add_state(app, tool);
  add_diff(app, tool);
  add_run(app, tool);
  add_sqlite(app, tool);
  add_copy(app, tool);
  add_saga(app, tool);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  for (int i = 1; i < argc; ++i) tool.command += (i > 1 ? " " : "") + std::string(argv[i]);
  std::stop_source stop;
  tool.stop = stop.get_token();
  static int signal_received = 0;  // the listening thread lives as long as the process
  listen_to_signals(stop, signal_received);
  const int status = run(tool);
  return stop.stop_requested() ? 128 + signal_received : status;
}

}  // namespace
}  // namespace everfold::replay

int main(int argc, char** argv) { return everfold::replay::main(argc, argv); }
