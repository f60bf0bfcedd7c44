// Every view with its own reader and its own thread: one that is folded anew or held up does not hold up the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "platform/kafka/log_watch.hpp"
#include "platform/kafka/options.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "projections/admin_routes.hpp"
#include "runtime/views/operations_log.hpp"
#include "runtime/views/projector.hpp"

namespace everfold::projections {

struct ServiceOptions {
  kafka::KafkaOptions kafka;
  std::string views_dir;
  std::vector<std::string> contexts;  // processes too: the history has their events
  int build_threads = 1;
  std::size_t cache_bytes = 128u << 20;
};

class ProjectionService {
 public:
  // `failed` is called from a thread of the service when a view cannot be folded any more.
  ProjectionService(ServiceOptions options, std::function<void()> failed);
  ~ProjectionService();  // writes what was folded

  void start();
  std::optional<std::string> failure() const;  // why
  std::optional<std::string> not_ready() const;
  // {"views": [{"name", "generation", "building", "lag", "events", "rate"}]}; lag in records behind the logs' ends of a
  // second ago at most, rate in events/s.
  std::string status_json() const;
  std::vector<AdministeredView> administered() const;
  std::map<LogId, int64_t> ends() const;  // of the logs, as of a second ago
  std::vector<StoredEvent> operations() const;  // throws std::runtime_error

 private:
  struct Running {
    std::string row_type;
    std::unique_ptr<RocksViewShelf> shelf;
    std::unique_ptr<Projector> projector;
    std::atomic<int64_t> lag{-1};  // -1: not known yet
    std::jthread thread;
  };

  void run(Projector& projector, const std::stop_token& stop);
  void watch_lag(const std::stop_token& stop);
  bool any_building() const;
  void fail(std::string sentence);

  const ServiceOptions options_;
  const std::function<void()> on_failure_;
  const RocksMemory memory_{options_.cache_bytes};
  mutable std::mutex mutex_;
  std::optional<std::string> failure_;  // the first
  std::map<LogId, int64_t> ends_;
  const std::unique_ptr<OperationsLog> operations_;
  BuildTurn turn_;
  std::vector<std::unique_ptr<Running>> views_;
  kafka::LogWatch logs_watch_;
  std::jthread watcher_;
};

// One view's ports to Kafka and the disk. `memory` and `turn` outlive them.
std::vector<LogId> logs_of(const View& view, const ServiceOptions& options);
Projector::Ports ports_of(ViewShelf& shelf, const kafka::KafkaOptions& kafka, const std::string& directory,
                          ViewPorts::Say say, ViewPorts::Say warn, BuildTurn& turn,
                          std::function<void(const StoredEvent&)> note);
int64_t wall_clock_ms();

}  // namespace everfold::projections
