// everfold-command: decides the commands of every context, by HTTP and by command topic, and appends their events to the logs.
#include <stdexcept>

#include "command-side/contexts.hpp"
#include "command-side/edge/edge.hpp"
#include "command-side/routes.hpp"
#include "platform/config/command_line.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/metrics/operational_routes.hpp"
#include "platform/node/writer_node.hpp"
#include "platform/parked/parked_routes.hpp"
#include "platform/process/program.hpp"

namespace everfold::command {
namespace {

constexpr std::chrono::milliseconds answers_within{12'000};  // the writer's deadline, and a little
constexpr int drain_ms = 5'000;                               // what came by topic is read again

config::Options options_of(int argc, char** argv) {
  config::Options options;
  config::CommandLine line("everfold-command", "Decides commands and appends events to the logs.", options);
  line.kafka().topics().data(".everfold/state/command").cache(64).http(8081).peers().secret();
  line.parse_or_exit(argc, argv);
  return options;
}

void run(const config::Options& options) {
  auto secret = auth::load_secret(options.secret_file);
  if (!secret) throw std::runtime_error(secret.error().message);
  const auth::TokenVerifier tokens(std::move(secret).value());

  node::WriterNode writer({{options.brokers, options.prefix, options.partitions, options.replication_factor, options.min_insync_replicas,
                            options.session_timeout_ms},
                           "command", options.data_dir, options.url_for_peers(), tokens.make_node_token(), options.cache_bytes()},
                          command_contexts());
  edge::Edge edge({writer.bus(), writer.history(), tokens, node::wall_clock_ms, node::random_id, [&] { return writer.has_caught_up(); },
                   [&](std::function<void(bool)> then) { writer.catch_up(std::move(then)); }});

  http::Router router;
  add_command_routes(router, edge);
  writer.add_forwarding_route(router, [&](std::string_view token) { return tokens.node_token_matches(token); });
  router.add_sync(http::Method::get, "/status", [&](http::Request&&) { return http::Response{200, {}, writer.status_json()}; });
  parked::add_routes(router, tokens, {&writer.parking()});
  metrics::add_operational_routes(router, [&] { return writer.not_ready(); });

  http::Server server({.address = options.http_address,
                       .port = options.http_port,
                       .threads = options.http_threads,
                       .on_error = [](std::string_view what) { logging::error(what); }},
                      std::move(router));
  auto& refused = metrics::gauge("everfold_http_requests_refused", "For too many others, since the start");
  metrics::before_render([&] {
    writer.publish_metrics();
    refused.set(static_cast<double>(server.requests_refused()));
  });
  writer.start();
  server.start();
  logging::info("serving", {{"address", options.http_address}, {"port", server.port()}});

  process::wait_for_stop();
  logging::info("stopping");
  server.stop(answers_within);  // answers what was taken, with the writer still at work
  if (!writer.drain(drain_ms)) logging::warn("stopped with commands still pending: they are read again from their topics");
}

}  // namespace
}  // namespace everfold::command

int main(int argc, char** argv) {
  using namespace everfold;
  process::block_stop_signals();
  const config::Options options = command::options_of(argc, argv);
  return process::run_program("everfold-command", options.log_level, [&] { command::run(options); });
}
