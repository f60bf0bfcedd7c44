// everfold-query: answers reads from the views that everfold-projector folds.
#include <chrono>
#include <stdexcept>

#include "platform/auth/token_verifier.hpp"
#include "platform/config/command_line.hpp"
#include "platform/http/server.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/metrics/operational_routes.hpp"
#include "platform/process/program.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "query-api/http/read_routes.hpp"
#include "query-api/reads/live_views.hpp"
#include "runtime/worker_pool.hpp"
#include "query-api/routes.hpp"
#include "query-api/views.hpp"

namespace everfold::query {
namespace {

constexpr std::chrono::seconds drain_time{10};

struct Settings {
  config::Options common;
  int64_t position_wait_ms = 5'000;
  int64_t scan_threads = 2;
  int64_t scan_queue = 64;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  config::CommandLine line("everfold-query", "Answers reads from the views that everfold-projector folds.",
                           settings.common);
  line.views(".everfold/views").data(".everfold/query").cache(128).http(8082).secret();
  line.number("position-wait-ms", settings.position_wait_ms, 1, 60'000,
              "How long a request waits for its Everfold-Position");
  line.number("scan-threads", settings.scan_threads, 1, 256, "Threads that read lists and histories");
  line.number("scan-queue", settings.scan_queue, 1, 100'000, "Lists and histories that wait for such a thread at most");
  line.parse_or_exit(argc, argv);
  return settings;
}

void log_warning(std::string_view sentence) { logging::warn(sentence); }

void run(const Settings& settings) {
  const auto secret = auth::load_secret(settings.common.secret_file);
  if (!secret) throw std::runtime_error(secret.error().message);

  const auth::TokenVerifier tokens(secret.value());
  const RocksMemory memory(settings.common.cache_bytes());
  LiveViews views(followed_views(settings.common.views_dir, settings.common.data_dir, memory),
                  {.max_wait = std::chrono::milliseconds(settings.position_wait_ms)});
  WorkerPool pool(static_cast<int>(settings.scan_threads), static_cast<std::size_t>(settings.scan_queue));

  http::Router router;
  ReadRoutes routes(router, views, pool, tokens, log_warning);
  add_routes(router, routes);
  metrics::add_operational_routes(router, [&views] { return views.not_ready(); });
  auto& waiting = metrics::gauge("everfold_query_waiting_requests", "Requests that wait for their Everfold-Position.");
  auto& refused = metrics::gauge("everfold_http_requests_refused", "For too many others, since the start");

  http::Server server({.address = settings.common.http_address,
                       .port = settings.common.http_port,
                       .threads = settings.common.http_threads,
                       .on_error = log_warning},
                      std::move(router));
  metrics::before_render([&] {
    waiting.set(static_cast<double>(views.waiting()));
    refused.set(static_cast<double>(server.requests_refused()));
  });
  views.start();
  server.start();
  logging::info("serving", {{"address", settings.common.http_address}, {"port", server.port()}});

  process::wait_for_stop();
  logging::info("stopping");
  server.stop(drain_time);
  metrics::before_render(nullptr);
  views.stop();  // before the pool, to which it hands requests on
}

}  // namespace
}  // namespace everfold::query

int main(int argc, char** argv) {
  using namespace everfold;
  process::block_stop_signals();
  const auto settings = query::settings_of(argc, argv);
  return process::run_program("everfold-query", settings.common.log_level, [&] { query::run(settings); });
}
