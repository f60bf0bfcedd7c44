// everfold-projector: folds the event logs into the views that everfold-query reads. The views' only writer.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "platform/auth/token_verifier.hpp"
#include "platform/config/command_line.hpp"
#include "platform/http/server.hpp"
#include "platform/kafka/topology.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/operational_routes.hpp"
#include "platform/process/program.hpp"
#include "platform/rocksdb/directory_lock.hpp"
#include "projections/admin_routes.hpp"
#include "projections/registry.hpp"
#include "projections/service.hpp"

namespace everfold::projections {
namespace {

constexpr int topics_timeout_ms = 30'000;
constexpr std::chrono::milliseconds drain_ms{2'000};
constexpr int operator_threads = 2;
constexpr std::size_t most_waiting_operators = 64;

struct Settings {
  config::Options common;
  std::string fold_once;
  int64_t build_threads = 1;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  config::CommandLine line("everfold-projector", "Folds the event logs into the views that everfold-query reads.",
                           settings.common);
  line.kafka().topics().views(".everfold/views").cache(128).http(8083).secret(false);
  line.text("fold-once", settings.fold_once,
            "Fold this view anew from the beginning to the present end, print how long it took as JSON, and exit");
  line.number("build-threads", settings.build_threads, 1, 64, "Threads that fold a generation in the making, which share its partitions");
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
      all_contexts(),
      1,
      options.cache_bytes()};
}

auth::TokenVerifier token_verifier(const std::string& secret_file) {
  if (secret_file.empty())
    throw std::runtime_error("--secret-file is required: the key that operators' tokens are signed with");
  auto secret = auth::load_secret(secret_file);
  if (!secret) throw std::runtime_error(secret.error().message);
  return auth::TokenVerifier(std::move(secret).value());
}

void serve(const config::Options& options, ServiceOptions service_options) {
  const auth::TokenVerifier tokens = token_verifier(options.secret_file);
  ProjectionService service(std::move(service_options), process::request_stop);
  WorkerPool operators(operator_threads, most_waiting_operators);
  http::Router router;
  add_admin_routes(router, tokens, operators, service.administered(), {[&] { return service.ends(); }, wall_clock_ms, [&] { return service.operations(); }});
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
  const auto makers = view_makers();
  const auto maker = std::find_if(makers.begin(), makers.end(), [&](const MakeView& make) { return make()->name() == name; });
  if (maker == makers.end()) throw std::runtime_error("there is no view " + name);

  const RocksMemory memory(options.cache_bytes);
  RocksViewShelf shelf(options.views_dir, name, memory);
  BuildTurn turn;
  const auto say = [](std::string_view sentence) { std::cerr << sentence << '\n'; };
  Projector projector(*maker, logs_of(*(*maker)(), options),
                      ports_of(shelf, options.kafka, options.views_dir, say, say, turn, [](const StoredEvent&) {}),
                      ProjectorSettings{.build_threads = options.build_threads});

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
  options.build_threads = static_cast<int>(settings.build_threads);
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
