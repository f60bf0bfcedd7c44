// How to reach Kafka, and the names of topics in it.
#pragma once

#include <string>
#include <vector>

#include "runtime/event_log.hpp"

namespace everfold::kafka {

struct KafkaOptions {
  std::string brokers = "127.0.0.1:9092";
  std::string prefix = "everfold";  // of every topic and group of this installation
  int partitions = 8;               // of every event and command topic; fixed for ever at creation
  int replication_factor = 1;
  int min_insync_replicas = 1;
};

inline std::string event_topic(const KafkaOptions& options, const std::string& context) {
  return options.prefix + "." + context + ".events";
}
inline std::string command_topic(const KafkaOptions& options, const std::string& context) {
  return options.prefix + "." + context + ".commands";
}

}  // namespace everfold::kafka
