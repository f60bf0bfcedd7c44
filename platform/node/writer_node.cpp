#include "platform/node/writer_node.hpp"

#include <openssl/rand.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "kernel/check.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/log_watch.hpp"
#include "platform/kafka/topology.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"
#include "platform/node/peers.hpp"
#include "platform/parked/consumer_parking.hpp"
#include "platform/rocksdb/event_index.hpp"
#include "runtime/writer/catch_up.hpp"
#include "runtime/writer/command_intake.hpp"
#include "runtime/writer/writer.hpp"

namespace everfold::node {
namespace {

constexpr int topics_timeout_ms = 30'000;
constexpr int step_ms = 50;
constexpr int64_t catch_up_deadline_ms = 10'000;
constexpr int64_t cut_off_after_ms = 10'000;
constexpr int looks_a_session = 6;  // of how far this node has to read: a few may be late before its look-ups count as old

void warn(std::string_view sentence) { logging::warn(sentence); }

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

std::vector<std::string> names_of(const std::vector<std::unique_ptr<HostedContext>>& contexts) {
  std::vector<std::string> names;
  for (const auto& context : contexts) names.emplace_back(context->name());
  return names;
}

void log_refused(const Command& command, const Rejection& rejection) {
  logging::warn("a command from a topic was refused: " + rejection.message,
                {{"context", command.meta.context}, {"aggregate", command.meta.aggregate_id}, {"command", command.type},
                 {"commandId", command.meta.id}},
                {command.meta.correlation_id, "", command.meta.actor});
}

}  // namespace

struct WriterNode::Impl {
  Impl(WriterNodeOptions given, std::vector<std::unique_ptr<HostedContext>> contexts)
      : options(std::move(given)),
        names(names_of(contexts)),
        index(rocks::open_event_index(options.data_dir, warn, {.block_cache_bytes = options.cache_bytes})),
        source(kafka::make_log_source(options.kafka, kafka::Reading::low_latency, warn)),
        appender(kafka::make_log_appender(options.kafka, warn)),
        peers(make_http_peers(options.node_token)),
        forwarder(*peers, {steady_clock_ms, [this](QueuedCommand queued) { writer.submit(std::move(queued)); },
                           [this](ReadWait wait) { writer.when_read(std::move(wait)); }}),
        writer(writer_options(), std::move(contexts), *source, *appender, *index, writer_edges()),
        parked(options.kafka, options.group, kafka::Topics::commands, names, {steady_clock_ms, wall_clock_ms, random_id, nullptr}),
        watch(options.kafka, names) {}
  ~Impl() { forwarder.stop(); }

  Writer::Edges writer_edges() {
    Writer::Edges edges{steady_clock_ms, wall_clock_ms, random_id, warn, nullptr};
    if (!options.node_token.empty())
      edges.elsewhere = [this](QueuedCommand queued, const std::string& url) { forwarder.forward(std::move(queued), url); };
    return edges;
  }

  kafka::Positions positions() const {
    kafka::Positions all;
    for (const std::string& context : names)
      for (int shard = 0; shard < options.kafka.partitions; ++shard)
        all.emplace_back(LogId{context, shard}, index->position({context, shard}));
    return all;
  }

  WriterOptions writer_options() const {
    WriterOptions wanted;
    wanted.owner = host_name() + "/" + std::to_string(getpid());
    wanted.url = options.url;
    wanted.partitions = options.kafka.partitions;
    wanted.max_doubt_ms = options.kafka.max_doubt_ms();
    return wanted;
  }

  const WriterNodeOptions options;
  const std::vector<std::string> names;
  std::unique_ptr<EventIndex> index;
  std::unique_ptr<LogSource> source;
  std::unique_ptr<LogAppender> appender;
  std::unique_ptr<Peers> peers;
  Forwarder forwarder;  // before the writer, which may call it to its last step
  Writer writer;
  CatchUp catch_up{*source,
                   {steady_clock_ms, [this](ReadWait wait) { writer.when_read(std::move(wait)); }, warn},
                   catch_up_deadline_ms,
                   std::chrono::milliseconds(options.kafka.session_timeout_ms / looks_a_session)};
  parked::ConsumerParking parked;
  kafka::LogWatch watch;
  std::unique_ptr<GroupSource> group;
  std::unique_ptr<CommandIntake> intake;
  std::atomic<bool> taking{true}, writing{true};
  std::thread writer_thread, intake_thread;
};

WriterNode::WriterNode(WriterNodeOptions options, std::vector<std::unique_ptr<HostedContext>> contexts) {
  if (const auto refusal = kafka::ensure_topics(options.kafka, names_of(contexts), topics_timeout_ms, {options.group}))
    throw std::runtime_error(*refusal);
  impl_ = std::make_unique<Impl>(std::move(options), std::move(contexts));
  if (const auto refusal = impl_->watch.refusal(impl_->positions(), impl_->options.data_dir, topics_timeout_ms))
    throw std::runtime_error(*refusal);
}

WriterNode::~WriterNode() { drain(0); }

void WriterNode::start() {
  Impl& self = *impl_;
  self.watch.start();
  self.group = kafka::make_group_source(self.options.kafka, self.options.group, kafka::Topics::commands, self.names, warn);
  self.intake = std::make_unique<CommandIntake>(*self.group, self.writer, self.parked.parking(), log_refused);
  self.writer_thread = std::thread([&self] {
    while (self.writing) self.writer.step(step_ms);
  });
  self.intake_thread = std::thread([&self] {
    while (self.taking) self.intake->step(step_ms);
  });
}

bool WriterNode::drain(int deadline_ms) {
  Impl& self = *impl_;
  if (!self.writer_thread.joinable()) return true;
  self.taking = false;
  self.intake->stop();
  self.intake_thread.join();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline_ms);
  std::atomic<bool> drained{false};
  self.writing = false;  // the writer's thread hands over: from here on this one steps
  self.source->wake();
  self.writer_thread.join();
  do {
    drained = self.writer.drained();
    if (!drained) self.writer.step(1);
  } while (!drained && std::chrono::steady_clock::now() < deadline);
  self.forwarder.stop();
  self.intake->step(0);  // commits the positions of what was answered last
  self.intake.reset();
  self.group.reset();  // leaves the group: its shards move on at once
  return drained;
}

CommandBus& WriterNode::bus() { return impl_->writer; }
bool WriterNode::has_caught_up() const {
  return impl_->writer.has_caught_up() && impl_->catch_up.age_ms() <= impl_->options.kafka.session_timeout_ms;
}
void WriterNode::catch_up(std::function<void(bool reached)> then) { impl_->catch_up.ask(std::move(then)); }
const History& WriterNode::history() const { return *impl_->index; }

Parking& WriterNode::parking() { return impl_->parked.parking(); }

std::optional<std::string> WriterNode::not_ready() const {
  if (!impl_->writer.ready()) return "this node does not own all of its shards yet";
  if (impl_->catch_up.age_ms() > cut_off_after_ms)
    return "this node cannot read to the end of its logs; it tries on: is Kafka away, or this node cut off from it?";
  return std::nullopt;
}

void WriterNode::add_forwarding_route(http::Router& router, std::function<bool(std::string_view token)> is_node) {
  node::add_forwarding_route(router, {std::move(is_node), steady_clock_ms,
                                      [&writer = impl_->writer](QueuedCommand queued) { writer.submit(std::move(queued)); }});
}

std::string WriterNode::status_json() const {
  std::string json = "{\"shards\": [";
  for (const LogStatus& log : impl_->writer.status()) {
    if (json.back() != '[') json += ", ";
    json += "{\"log\": \"" + to_string(log.log) + "\", \"state\": \"" + log.role + "\", \"term\": " + std::to_string(log.term) +
            ", \"pending\": " + std::to_string(log.pending) + ", \"url\": \"" + log.owner_url + "\"}";
  }
  return json + "]}";
}

void WriterNode::publish_metrics() const {
  impl_->parked.publish_metrics();
  const WriterStats& stats = impl_->writer.stats();
  const auto publish = [](const char* name, const char* help, const std::atomic<uint64_t>& value) {
    metrics::gauge(name, help).set(static_cast<double>(value.load()));
  };
  publish("everfold_writer_decided", "Commands decided since the start", stats.decided);
  publish("everfold_writer_commits_accepted", "Commits read back and accepted since the start", stats.accepted);
  publish("everfold_writer_refused", "Commands refused since the start", stats.refused);
  publish("everfold_writer_repeated", "Commands known by their id since the start", stats.repeated);
  publish("everfold_writer_elsewhere", "Commands for logs of other nodes since the start", stats.elsewhere);
  publish("everfold_writer_unavailable", "Commands answered 503 since the start", stats.unavailable);
  publish("everfold_writer_void_records", "Records that count for nothing, read since the start", stats.void_records);
  publish("everfold_writer_takeovers", "Logs taken over since the start", stats.takeovers);
  publish("everfold_writer_depositions", "Logs lost to another writer since the start", stats.depositions);
  publish("everfold_writer_doubts", "Producers given up since the start", stats.doubts);
}

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Goes on while the machine is suspended, which std::chrono's does not: who wakes up must know that it slept.
int64_t steady_clock_ms() {
  timespec now{};
  check(clock_gettime(CLOCK_BOOTTIME, &now) == 0, "there is no clock");
  return int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

// Every request wants one: asking OpenSSL for a few hundred at a time is cheaper.
std::string random_id() {
  constexpr std::size_t id_bytes = 16;
  thread_local std::array<unsigned char, 256 * id_bytes> bytes;
  thread_local std::size_t used = bytes.size();
  if (used == bytes.size()) {
    check(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1, "no random bytes are to be had");
    used = 0;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  std::string id;
  id.reserve(2 * id_bytes);
  for (const std::size_t end = used + id_bytes; used < end; ++used) {
    id += hex[bytes[used] >> 4];
    id += hex[bytes[used] & 15];
  }
  return id;
}

}  // namespace everfold::node
