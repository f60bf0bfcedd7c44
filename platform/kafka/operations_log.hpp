// runtime/views/operations_log.hpp over Kafka: topic <prefix>.operations, one partition, which keeps everything.
#pragma once

#include <memory>

#include "platform/kafka/log_source.hpp"
#include "runtime/views/operations_log.hpp"

namespace everfold::kafka {

// The topic must be there (ensure_topics). Its producer is idempotent with acks=all.
std::unique_ptr<OperationsLog> make_operations_log(const KafkaOptions& options, const Warn& warn);

}  // namespace everfold::kafka
