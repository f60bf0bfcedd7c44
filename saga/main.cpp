// everfold-saga: the process managers on their own logs, the translators that connect them to the contexts, and the payment providers.
#include <chrono>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

#include "platform/auth/token_verifier.hpp"
#include "platform/config/command_line.hpp"
#include "platform/http/server.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/log_watch.hpp"
#include "platform/kafka/topology.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/metrics/operational_routes.hpp"
#include "platform/node/writer_node.hpp"
#include "platform/parked/consumer_parking.hpp"
#include "platform/parked/parked_routes.hpp"
#include "platform/process/program.hpp"
#include "runtime/translator.hpp"
#include "saga/admin_routes.hpp"
#include "saga/payment-providers/payment_gateway.hpp"
#include "saga/payment-providers/sandbox.hpp"
#include "saga/processes.hpp"
#include "saga/translators/registry.hpp"

namespace everfold::saga {
namespace {

constexpr int drain_ms = 5'000;
constexpr int topics_timeout_ms = 30'000;

config::Options options_of(int argc, char** argv) {
  config::Options options;
  config::CommandLine line("everfold-saga", "Runs the checkout and its compensations, and talks to payment providers.", options);
  line.kafka().topics().data(".everfold/saga").cache(64).http(8084).peers().secret().payment_timeout();
  line.parse_or_exit(argc, argv);
  return options;
}

Translator::Reactions arrows(const config::Options& options) {
  Translator::Reactions reactions;
  for (NamedTranslator& translator : all_translators(options.payment_timeout_s * 1000))
    reactions[std::string(translator.source)].emplace_back(std::move(translator.react));
  return reactions;
}

void warn(std::string_view sentence) { logging::warn(sentence); }

double chance() {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution<double>()(random);
}

void held_up(const LogId& log, const Rejection& why, int64_t retry_in_ms) {
  logging::warn("a translator is held up: " + why.message, {{"log", to_string(log)}, {"retryInMs", retry_in_ms}});
}

void publish_metrics(const payment_providers::ProviderCalls& calls) {
  for (const auto& [provider, breaker, out, failures, answers] : calls.status()) {
    const auto publish = [&](const char* name, const char* help, double value) {
      metrics::gauge(name, help, {{"provider", provider}}).set(value);
    };
    publish("everfold_provider_circuit", "0: closed, 1: open, 2: half open", static_cast<double>(breaker));
    publish("everfold_provider_calls_out", "Calls that a payment provider has not answered yet", static_cast<double>(out));
    publish("everfold_provider_failures", "Calls that will be repeated, since the start", static_cast<double>(failures));
    publish("everfold_provider_answers", "Calls that were answered, since the start", static_cast<double>(answers));
  }
}

// A translator with its group, its producer and its thread.
class RunningTranslator {
 public:
  RunningTranslator(const kafka::KafkaOptions& kafka, const std::string& group, Translator::Reactions reactions)
      : group_(group),
        source_(kafka::make_group_source(kafka, group, kafka::Topics::events, contexts_of(reactions), warn)),
        sender_(kafka::make_command_sender(kafka, contexts_of(reactions), warn)),
        parked_(kafka, group, kafka::Topics::events, contexts_of(reactions),
                {node::steady_clock_ms, node::wall_clock_ms, node::random_id, nullptr}),
        translator_(*source_, *sender_, parked_.parking(), std::move(reactions), held_up, steady_clock(), {}),
        thread_([this](const std::stop_token& stop) { translator_.run(stop); }) {}

  ~RunningTranslator() {
    thread_.request_stop();
    source_->wake();
    thread_.join();
  }

  Parking& parking() { return parked_.parking(); }
  bool joined() const { return translator_.counters().joined; }

  void publish_metrics() const {
    parked_.publish_metrics();
    const auto publish = [&](const char* name, const char* help, const std::atomic<uint64_t>& value) {
      metrics::gauge(name, help, {{"group", group_}}).set(static_cast<double>(value.load()));
    };
    publish("everfold_translator_events_read", "Events read since the start", translator_.counters().events_read);
    publish("everfold_translator_commands_sent", "Commands sent since the start", translator_.counters().commands_sent);
    publish("everfold_translator_retries", "Times that a partition was held up since the start", translator_.counters().retries);
  }

 private:
  static std::vector<std::string> contexts_of(const Translator::Reactions& reactions) {
    std::vector<std::string> contexts;
    for (const auto& [context, reaction] : reactions) contexts.push_back(context);
    return contexts;
  }
  static Translator::Clock steady_clock() {
    return {node::steady_clock_ms, node::wall_clock_ms};
  }

  const std::string group_;
  std::unique_ptr<GroupSource> source_;
  std::unique_ptr<CommandSender> sender_;
  parked::ConsumerParking parked_;
  Translator translator_;
  std::jthread thread_;
};

void run(const config::Options& options) {
  auto secret = auth::load_secret(options.secret_file);
  if (!secret) throw std::runtime_error(secret.error().message);
  const auth::TokenVerifier tokens(std::move(secret).value());
  const kafka::KafkaOptions kafka{options.brokers, options.prefix, options.partitions, options.replication_factor,
                                  options.min_insync_replicas,
                                  options.session_timeout_ms};
  const Translator::Reactions reactions = arrows(options);
  std::vector<std::string> contexts;
  for (const auto& [context, reaction] : reactions) contexts.push_back(context);
  if (const auto refusal = kafka::ensure_topics(kafka, contexts, topics_timeout_ms,
                                                 {std::string(translators_group), std::string(payment_gateway_group)}))
    throw std::runtime_error(*refusal);

  node::WriterNode writer({kafka, "saga", options.data_dir, options.url_for_peers(), "", options.cache_bytes()}, saga_processes());
  kafka::LogWatch watch(kafka, contexts);  // of what the translators read
  writer.start();
  watch.start();

  payment_providers::Registry providers;
  providers.add(payment_providers::Sandbox::name, std::make_unique<payment_providers::Sandbox>());
  const payment_providers::PaymentGateway gateway(providers, "");
  payment_providers::ProviderCalls provider_calls({}, {node::steady_clock_ms, chance, warn});

  RunningTranslator translators(kafka, std::string(translators_group), reactions);
  RunningTranslator payments(kafka, std::string(payment_gateway_group),
                             {{"payments", {[&](const StoredEvent& event) { return gateway.react(event, provider_calls); }}}});

  http::Router router;
  metrics::add_operational_routes(router, [&]() -> std::optional<std::string> {
    if (!translators.joined() || !payments.joined()) return "a translator waits for its consumer group";
    return writer.not_ready();
  });
  parked::add_routes(router, tokens, {&writer.parking(), &translators.parking(), &payments.parking()});
  add_admin_routes(router, tokens, writer.bus());
  router.add_sync(http::Method::get, "/status", [&](http::Request&&) { return http::Response{200, {}, writer.status_json()}; });
  metrics::before_render([&] {
    writer.publish_metrics();
    translators.publish_metrics();
    payments.publish_metrics();
    publish_metrics(provider_calls);
  });
  http::Server server({.address = options.http_address, .port = options.http_port, .threads = 1, .on_error = warn}, std::move(router));
  server.start();
  logging::info("serving", {{"address", options.http_address}, {"port", server.port()}});

  process::wait_for_stop();
  logging::info("stopping");
  server.stop(std::chrono::milliseconds(drain_ms));
  metrics::before_render(nullptr);
  if (!writer.drain(drain_ms)) logging::warn("stopped with commands still pending: they are read again from their topics");
}

}  // namespace
}  // namespace everfold::saga

int main(int argc, char** argv) {
  using namespace everfold;
  process::block_stop_signals();
  const config::Options options = saga::options_of(argc, argv);
  return process::run_program("everfold-saga", options.log_level, [&] { saga::run(options); });
}
