// The broker that tests run against: KAFKA_BROKERS names it. Every test has topics of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>

#include "kernel/check.hpp"
#include "platform/kafka/options.hpp"

namespace everfold::tests {

inline kafka::KafkaOptions kafka_options(const std::string& purpose) {
  const char* brokers = std::getenv("KAFKA_BROKERS");
  check(brokers != nullptr, "KAFKA_BROKERS must name a broker for this test: `./dev test` starts one and sets it");
  static std::atomic<int> number{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  kafka::KafkaOptions options;
  options.brokers = brokers;
  options.prefix = "test-" + purpose + "-" + std::to_string(now) + "-" + std::to_string(++number);
  options.partitions = 2;
  return options;
}

}  // namespace everfold::tests
