// How to reach Kafka, and the names of topics in it.
#pragma once

#include <string>
#include <vector>

#include "runtime/log/event_log.hpp"

namespace everfold::kafka {

struct KafkaOptions {
  std::string brokers = "127.0.0.1:9092";
  std::string prefix = "everfold";  // of every topic and group of this installation
  int partitions = 8;               // of every event and command topic; fixed for ever at creation
  int replication_factor = 1;
  int min_insync_replicas = 1;
  // How long a consumer group waits for a member that is not heard of before its shards go to others. Not below the brokers'
  // group.min.session.timeout.ms (6 s unless configured).
  int session_timeout_ms = 6'000;

  // What an owner appended longer ago does not tell whether it still is one.
  int max_doubt_ms() const { return session_timeout_ms / 2; }
};

inline std::string event_topic(const KafkaOptions& options, const std::string& context) {
  return options.prefix + "." + context + ".events";
}
inline std::string command_topic(const KafkaOptions& options, const std::string& context) {
  return options.prefix + "." + context + ".commands";
}

// Of what a consumer group could not handle (docs/decisions/0014): log {group, shard} is its partition `shard`.
inline std::string parking_topic(const KafkaOptions& options, const std::string& group) {
  return options.prefix + "." + group + ".parked";
}

// What operators did, of the whole installation: one partition, log {"operations", 0} (runtime/views/operations_log.hpp).
inline std::string operations_topic(const KafkaOptions& options) { return options.prefix + ".operations"; }

enum class Topics { events, commands, parked, operations };
inline std::string topic_of(const KafkaOptions& options, Topics topics, const std::string& context) {
  switch (topics) {
    case Topics::events:
      return event_topic(options, context);
    case Topics::commands:
      return command_topic(options, context);
    case Topics::parked:
      return parking_topic(options, context);
    case Topics::operations:
      return operations_topic(options);
  }
  return {};
}

}  // namespace everfold::kafka
