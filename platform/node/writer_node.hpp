// A writer with everything real around it: Kafka, RocksDB, threads. What everfold-command and everfold-saga have in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/server.hpp"
#include "platform/kafka/options.hpp"
#include "runtime/parking/parking.hpp"
#include "runtime/writer/command_bus.hpp"
#include "runtime/writer/hosted_context.hpp"

namespace everfold::node {

struct WriterNodeOptions {
  kafka::KafkaOptions kafka;
  std::string group;     // consumer group over the command topics: nodes of one group share the shards
  std::string data_dir;  // of the index; deleted, it is read again from Kafka
  std::string url;       // where other nodes reach this one
  std::string node_token;  // what nodes show each other; empty: commands of other nodes' logs are answered 503, not forwarded
  std::size_t cache_bytes = 64u << 20;  // of the index's blocks
};

class WriterNode {
 public:
  // Creates missing topics and checks them. Throws std::runtime_error with the remedy when this node must not or cannot start.
  WriterNode(WriterNodeOptions options, std::vector<std::unique_ptr<HostedContext>> contexts);
  ~WriterNode();

  void start();
  // Takes no more commands, waits for what is pending, then stops its threads. False: the deadline came first.
  bool drain(int deadline_ms);

  CommandBus& bus();
  const History& history() const;
  bool has_caught_up() const;
  void catch_up(std::function<void(bool reached)> then);  // CatchUp::ask
  std::optional<std::string> not_ready() const;
  // Where other nodes bring commands. `is_node` judges what they show.
  void add_forwarding_route(http::Router& router, std::function<bool(std::string_view token)> is_node);
  std::string status_json() const;  // {"shards": [{"log", "state", "term", "pending", "url" of its owner}]}
  void publish_metrics() const;
  Parking& parking();  // of the commands from topics

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

int64_t wall_clock_ms();
int64_t steady_clock_ms();
std::string random_id();  // 128 bits, 32 hex digits

}  // namespace everfold::node
