// everfold-projector: folds the event logs into the views that everfold-query reads. The views' only writer.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "platform/config/command_line.hpp"
#include "platform/http/server.hpp"
#include "platform/kafka/topology.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/operational_routes.hpp"
#include "platform/process/program.hpp"
#include "platform/rocksdb/directory_lock.hpp"
#include "projections/registry.hpp"
#include "projections/service.hpp"

namespace everfold::projections {
namespace {

constexpr int topics_timeout_ms = 30'000;
constexpr std::chrono::milliseconds drain_ms{2'000};

struct Settings {
  config::Options common;
  std::string fold_once;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  config::CommandLine line("everfold-projector", "Folds the event logs into the views that everfold-query reads.",
                           settings.common);
  line.kafka().topics().views(".everfold/views").http(8083);
  line.text("fold-once", settings.fold_once,
            "Fold this view anew from the beginning to the present end, print how long it took as JSON, and exit");
  line.parse_or_exit(argc, argv);
  return settings;
}

// Of this installation, processes too: EVERFOLD_CONTEXTS and EVERFOLD_PROCESSES of the root CMakeLists.txt.
std::vector<std::string> all_contexts() {
  std::istringstream names(EVERFOLD_ALL_CONTEXTS);
  return {std::istream_iterator<std::string>(names), {}};
}

ServiceOptions service_options(const config::Options& options) {
  return {
      {options.brokers, options.prefix, options.partitions, options.replication_factor, options.min_insync_replicas},
      options.views_dir,
      all_contexts()};
}

void serve(const config::Options& options, ServiceOptions service_options) {
  ProjectionService service(std::move(service_options), process::request_stop);
  http::Router router;
  metrics::add_operational_routes(router, [&] { return service.not_ready(); });
  router.add_sync(http::Method::get, "/status", [&](http::Request&&) {
    return http::Response{200, {}, service.status_json()};
  });
  http::Server server({.address = options.http_address,
                       .port = options.http_port,
                       .threads = options.http_threads,
                       .on_error = [](std::string_view sentence) { logging::warn(sentence); }},
                      std::move(router));
  service.start();
  server.start();
  logging::info("folding", {{"address", options.http_address}, {"port", server.port()}});

  process::wait_for_stop();
  logging::info("stopping");
  server.stop(drain_ms);
  if (const auto failure = service.failure()) throw std::runtime_error(*failure);
}

void fold_once(const std::string& name, const ServiceOptions& options) {
  auto views = make_views();
  const auto view =
      std::find_if(views.begin(), views.end(), [&](const auto& candidate) { return candidate->name() == name; });
  if (view == views.end()) throw std::runtime_error("there is no view " + name);

  const RocksMemory memory;
  RocksViewShelf shelf(options.views_dir, name, memory);
  BuildTurn turn;
  const auto say = [](std::string_view sentence) { std::cerr << sentence << '\n'; };
  Projector projector(**view, logs_of(**view, options), ports_of(shelf, options.kafka, options.views_dir, say, say, turn));

  const auto started = std::chrono::steady_clock::now();
  projector.rebuild(std::stop_token());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const auto status = projector.status();
  std::cout << "{\"view\": \"" << name << "\", \"generation\": " << status.generation
            << ", \"events\": " << status.events << ", \"seconds\": " << seconds
            << ", \"eventsPerSecond\": " << static_cast<double>(status.events) / seconds << "}\n";
}

void run(const Settings& settings) {
  ServiceOptions options = service_options(settings.common);
  const DirectoryLock lock(options.views_dir);
  if (const auto refusal = kafka::ensure_topics(options.kafka, options.contexts, topics_timeout_ms))
    throw std::runtime_error(*refusal);
  settings.fold_once.empty() ? serve(settings.common, std::move(options)) : fold_once(settings.fold_once, options);
}

}  // namespace
}  // namespace everfold::projections

int main(int argc, char** argv) {
  using namespace everfold;
  process::block_stop_signals();
  const auto settings = projections::settings_of(argc, argv);
  // --fold-once keeps standard output for its figures.
  const auto level = settings.fold_once.empty() ? settings.common.log_level : logging::Level::error;
  return process::run_program("everfold-projector", level, [&] { projections::run(settings); });
}
