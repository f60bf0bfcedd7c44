#include "projections/service.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <set>

#include "platform/json/write.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/operations_log.hpp"
#include "platform/logging/logging.hpp"
#include "platform/metrics/metrics.hpp"
#include "projections/registry.hpp"

namespace everfold::projections {
namespace {

constexpr std::chrono::seconds lag_period{1};
constexpr int end_offset_timeout_ms = 1'000;
constexpr int refusal_timeout_ms = 10'000;
constexpr int note_timeout_ms = 3'000;

int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

namespace {

void say(std::string_view sentence) { logging::info(sentence); }
void warn(std::string_view sentence) { logging::warn(sentence); }

void publish(const Projector& projector, const Projector::Status& status, int64_t lag) {
  const metrics::Labels labels{{"view", std::string(projector.view())}};
  metrics::gauge("everfold_view_lag_records", "Records of the logs that a view has not folded yet", labels)
      .set(static_cast<double>(lag));
  metrics::gauge("everfold_view_generation", "The generation that a view is folded into", labels)
      .set(static_cast<double>(status.generation));
  metrics::gauge("everfold_view_parked", "Rows that a view cannot fold on, because an event is of a later version", labels)
      .set(static_cast<double>(status.parked));
  auto& events = metrics::counter("everfold_view_events_total", "Events folded since the program started", labels);
  events.increment(static_cast<double>(status.events) - events.value());
}

}  // namespace

std::vector<LogId> logs_of(const View& view, const ServiceOptions& options) {
  std::vector<LogId> logs;
  for (const auto& context : options.contexts)
    if (view.context() == every_context || view.context() == context)
      for (int shard = 0; shard < options.kafka.partitions; ++shard) logs.push_back({context, shard});
  return logs;
}

Projector::Ports ports_of(ViewShelf& shelf, const kafka::KafkaOptions& kafka, const std::string& directory,
                          ViewPorts::Say say, ViewPorts::Say warn, BuildTurn& turn,
                          std::function<void(const StoredEvent&)> note) {
  const auto make_source = [kafka, warn](bool building) {
    return kafka::make_log_source(kafka, building ? kafka::Reading::bulk : kafka::Reading::low_latency, warn);
  };
  const auto refusal = [kafka, directory](const kafka::Positions& positions) {
    std::set<std::string> contexts;
    for (const auto& [log, position] : positions) contexts.insert(log.context);
    return kafka::LogWatch(kafka, {contexts.begin(), contexts.end()}).refusal(positions, directory, refusal_timeout_ms);
  };
  return {shelf, make_source, steady_ms, std::move(say), warn, turn, refusal, std::move(note), wall_clock_ms};
}

ProjectionService::ProjectionService(ServiceOptions options, std::function<void()> failed)
    : options_(std::move(options)),
      on_failure_(std::move(failed)),
      operations_(kafka::make_operations_log(options_.kafka, warn)),
      logs_watch_(options_.kafka, options_.contexts) {
  const auto note = [this](const StoredEvent& operation) { operations_->append(operation, note_timeout_ms); };
  for (const MakeView& make : view_makers()) {
    auto& running = *views_.emplace_back(std::make_unique<Running>());
    const auto view = make();
    running.row_type = view->row_type();
    running.shelf = std::make_unique<RocksViewShelf>(options_.views_dir, std::string(view->name()), memory_);
    running.projector = std::make_unique<Projector>(
        make, logs_of(*view, options_),
        ports_of(*running.shelf, options_.kafka, options_.views_dir, say, warn, turn_, note),
        ProjectorSettings{.build_threads = options_.build_threads});
  }
}

std::vector<AdministeredView> ProjectionService::administered() const {
  std::vector<AdministeredView> views;
  for (const auto& running : views_) views.push_back({running->projector.get(), running->row_type});
  return views;
}

std::vector<StoredEvent> ProjectionService::operations() const { return operations_->all(note_timeout_ms); }

std::map<LogId, int64_t> ProjectionService::ends() const {
  const std::lock_guard lock(mutex_);
  return ends_;
}

ProjectionService::~ProjectionService() {
  for (auto& running : views_) running->thread.request_stop();  // all at once, then one by one
}

void ProjectionService::start() {
  for (auto& running : views_)
    running->thread = std::jthread([this, &running](const std::stop_token& stop) { run(*running->projector, stop); });
  logs_watch_.start();
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch_lag(stop); });
}

void ProjectionService::run(Projector& projector, const std::stop_token& stop) {
  try {
    projector.run(stop);
  } catch (const std::exception& error) {
    fail("view " + std::string(projector.view()) + " is not folded any more: " + error.what());
  }
}

void ProjectionService::fail(std::string sentence) {
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(sentence);
  }
  on_failure_();
}

std::optional<std::string> ProjectionService::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void ProjectionService::watch_lag(const std::stop_token& stop) {
  const auto source = kafka::make_log_source(options_.kafka, kafka::Reading::low_latency, warn);
  std::mutex mutex;
  std::condition_variable_any stopped;
  bool built = false;
  while (!stop.stop_requested()) {
    if (const bool building = any_building(); building || built) {
      // Reading in bulk takes hundreds of megabytes, which glibc would keep.
      if (!building) ::malloc_trim(0);
      built = building;
    }
    std::map<LogId, int64_t> ends;
    try {
      for (const auto& running : views_) {
        const Projector::Status status = running->projector->status();
        const auto& logs = running->projector->logs();
        int64_t lag = 0;
        for (std::size_t i = 0; i < logs.size() && !stop.stop_requested(); ++i) {
          auto [end, missing] = ends.try_emplace(logs[i], 0);
          if (missing) end->second = source->end_offset(logs[i], end_offset_timeout_ms);
          lag += std::max<int64_t>(end->second - status.next_offsets[i], 0);
        }
        running->lag = lag;
        publish(*running->projector, status, lag);
      }
      const std::lock_guard lock(mutex_);
      ends_ = std::move(ends);
    } catch (const std::runtime_error& error) {  // Kafka is away: the lag stays what it was
      logging::warn(error.what());
    }
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, lag_period, [] { return false; });
  }
}

bool ProjectionService::any_building() const {
  return std::any_of(views_.begin(), views_.end(), [](const auto& running) {
    const auto status = running->projector->status();
    return status.building || (status.build && status.build->under_way() &&
                               status.build->phase != RebuildSteps::Phase::ready);
  });
}

std::optional<std::string> ProjectionService::not_ready() const {
  for (const auto& running : views_) {
    const auto status = running->projector->status();
    if (status.caught_up || status.paused) continue;
    return "view " + std::string(running->projector->view()) +
           " has not reached the end of its logs yet: " + std::to_string(status.events) + " events folded";
  }
  return std::nullopt;
}

std::string ProjectionService::status_json() const {
  std::string out = "{\"views\": [";
  for (const auto& running : views_) {
    const auto status = running->projector->status();
    if (out.back() != '[') out += ", ";
    out += "{\"name\": " + json::quoted(running->projector->view()) +
           ", \"generation\": " + std::to_string(status.generation) +
           ", \"building\": " + (status.building ? "true" : "false") +
           ", \"lag\": " + (running->lag < 0 ? "null" : std::to_string(running->lag)) +
           ", \"parked\": " + std::to_string(status.parked) + ", \"events\": " + std::to_string(status.events) +
           ", \"rate\": " + std::to_string(static_cast<int64_t>(status.events_per_s)) + "}";
  }
  return out + "]}";
}

}  // namespace everfold::projections
