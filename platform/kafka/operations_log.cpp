#include "platform/kafka/operations_log.hpp"

#include <chrono>

namespace everfold::kafka {

std::unique_ptr<OperationsLog> make_operations_log(const KafkaOptions& options, const Warn& warn) {
  return std::make_unique<OperationsLog>(make_log_source(options, Reading::low_latency, warn, Topics::operations),
                                         make_log_appender(options, warn, Topics::operations), [] {
                                           const auto now = std::chrono::steady_clock::now().time_since_epoch();
                                           return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
                                         });
}

}  // namespace everfold::kafka
