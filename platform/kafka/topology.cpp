#include "platform/kafka/topology.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "platform/kafka/record.hpp"

namespace everfold::kafka {
namespace {

// Every topic keeps everything for ever: events are the truth, and a command that waited for longer than some retention would be lost
// without a word. Of what is parked it keeps the last word on each record.
struct Topic {
  std::string name;
  int partitions;
  std::string cleanup = "delete";
};

using Clock = std::chrono::steady_clock;

class Admin {
 public:
  Admin(const KafkaOptions& options, int timeout_ms)
      : options_(options), deadline_(Clock::now() + std::chrono::milliseconds(timeout_ms)) {
    auto conf = make_conf({{"bootstrap.servers", options.brokers}, {"acks", "all"}, {"socket.nagle.disable", "true"}});
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    client_ = make_client(RD_KAFKA_PRODUCER, std::move(conf));
    queue_.reset(rd_kafka_queue_new(client_.get()));
  }

  // -1: there is no such topic.
  int partitions_of(const std::string& topic) {
    for (;;) {
      const Own<rd_kafka_topic_t> handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
      const rd_kafka_metadata_t* metadata = nullptr;
      const auto error = rd_kafka_metadata(client_.get(), 0, handle.get(), &metadata, left_ms());
      const Own<const rd_kafka_metadata_t> owner(metadata);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        wait(rd_kafka_err2str(error));
        continue;
      }
      const auto& found = metadata->topics[0];
      if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return -1;
      if (found.err == RD_KAFKA_RESP_ERR_NO_ERROR && found.partition_cnt > 0) return found.partition_cnt;
      wait(rd_kafka_err2str(found.err));  // a leader is being elected
    }
  }

  // Of every topic that the cluster knows.
  std::map<std::string, int> all_partitions() {
    for (;;) {
      const rd_kafka_metadata_t* metadata = nullptr;
      const auto error = rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, left_ms());
      const Own<const rd_kafka_metadata_t> owner(metadata);
      std::map<std::string, int> found;
      for (int i = 0; metadata && i < metadata->topic_cnt; ++i) found[metadata->topics[i].topic] = metadata->topics[i].partition_cnt;
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return found;
      wait(rd_kafka_err2str(error));
    }
  }

  Extent extent(const std::string& topic, int partition) {
    for (;;) {
      Extent found;
      const auto error = rd_kafka_query_watermark_offsets(client_.get(), topic.c_str(), partition, &found.begin, &found.end, left_ms());
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return found;
      wait("the ends of topic " + topic + " cannot be learnt: " + rd_kafka_err2str(error));
    }
  }

  void create(const Topic& topic) {
    char error[256];
    Own<rd_kafka_NewTopic_t> wanted(
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, options_.replication_factor, error, sizeof error));
    if (!wanted) throw std::runtime_error("topic " + topic.name + ": " + error);
    const auto set = [&](const char* name, const std::string& value) {
      rd_kafka_NewTopic_set_config(wanted.get(), name, value.c_str());
    };
    set("cleanup.policy", topic.cleanup);
    set("retention.ms", "-1");
    set("retention.bytes", "-1");
    set("min.insync.replicas", std::to_string(options_.min_insync_replicas));
    set("unclean.leader.election.enable", "false");
    rd_kafka_NewTopic_t* list[] = {wanted.get()};
    rd_kafka_CreateTopics(client_.get(), list, 1, nullptr, queue_.get());
    const Own<rd_kafka_event_t> event = answer();
    std::size_t count = 0;
    const auto* result = rd_kafka_event_CreateTopics_result(event.get());
    const auto** topics = rd_kafka_CreateTopics_result_topics(result, &count);
    const auto outcome = count > 0 ? rd_kafka_topic_result_error(topics[0]) : rd_kafka_event_error(event.get());
    if (outcome != RD_KAFKA_RESP_ERR_NO_ERROR && outcome != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
      throw std::runtime_error("topic " + topic.name + " cannot be made: " + rd_kafka_err2str(outcome));
    while (partitions_of(topic.name) < 0) wait("the new topic " + topic.name + " is not known to every broker yet");
  }

  std::string config(const std::string& topic, const std::string& name) {
    const Own<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    rd_kafka_ConfigResource_t* list[] = {resource.get()};
    for (;;) {
      rd_kafka_DescribeConfigs(client_.get(), list, 1, nullptr, queue_.get());
      const Own<rd_kafka_event_t> event = answer();
      std::size_t resources = 0;
      const auto** found =
          rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &resources);
      const auto error = resources > 0 ? rd_kafka_ConfigResource_error(found[0]) : rd_kafka_event_error(event.get());
      if (resources > 0 && error == RD_KAFKA_RESP_ERR_NO_ERROR) return value_of(*found[0], name);
      // Any broker answers, also one that has not heard of a new topic yet: that says nothing about the topic.
      wait("the settings of topic " + topic + " cannot be read: " + rd_kafka_err2str(error));
    }
  }

  // The topology topic's first record counts, whoever else wrote one later.
  std::string first_record_or(const std::string& topic, const std::string& mine) {
    const auto consumer_conf = [&] {
      auto conf = make_conf({{"bootstrap.servers", options_.brokers}, {"group.id", options_.prefix + ".unused"},
                             {"enable.partition.eof", "true"}, {"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"}});
      rd_kafka_conf_set_log_cb(conf.get(), nullptr);
      return conf;
    };
    bool written = false;
    for (;;) {
      const Own<rd_kafka_t> consumer = make_client(RD_KAFKA_CONSUMER, consumer_conf());
      rd_kafka_poll_set_consumer(consumer.get());
      const Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0)->offset = 0;
      rd_kafka_assign(consumer.get(), list.get());
      for (;;) {
        const Own<rd_kafka_message_t> message(rd_kafka_consumer_poll(consumer.get(), 200));
        if (left_ms() <= 1) throw unreachable("the topology topic cannot be read");
        if (!message) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
          return std::string(static_cast<const char*>(message->payload), message->len);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && !written) break;
      }
      const auto error = produce(client_.get(), topic.c_str(), 0, {"topology", mine, {}}, nullptr);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR || rd_kafka_flush(client_.get(), left_ms()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        throw unreachable("the topology cannot be written");
      written = true;
    }
  }

 private:
  int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    return static_cast<int>(std::max<int64_t>(left, 1));
  }
  Own<rd_kafka_event_t> answer() {
    Own<rd_kafka_event_t> event(rd_kafka_queue_poll(queue_.get(), left_ms()));
    if (!event) throw unreachable("no answer");
    return event;
  }
  void wait(const std::string& what) {
    if (left_ms() <= 1) throw unreachable(what);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  static std::string value_of(const rd_kafka_ConfigResource_t& resource, const std::string& name) {
    std::size_t entries = 0;
    const auto** configs = rd_kafka_ConfigResource_configs(&resource, &entries);
    const auto** entry =
        std::find_if(configs, configs + entries, [&](const auto* each) { return name == rd_kafka_ConfigEntry_name(each); });
    const char* value = entry == configs + entries ? nullptr : rd_kafka_ConfigEntry_value(*entry);
    return value ? value : "";
  }
  std::runtime_error unreachable(const std::string& why) const {
    return std::runtime_error("Kafka at " + options_.brokers + " does not do what is asked: " + why);
  }

  const KafkaOptions& options_;
  const Clock::time_point deadline_;
  Own<rd_kafka_t> client_;
  Own<rd_kafka_queue_t> queue_;
};

}  // namespace

std::optional<std::string> ensure_topics(const KafkaOptions& options, const std::vector<std::string>& contexts,
                                         int timeout_ms, const std::vector<std::string>& consumers) {
  Admin admin(options, timeout_ms);
  std::vector<Topic> topics{{options.prefix + ".topology", 1}, {operations_topic(options), 1}};
  for (const std::string& context : contexts) {
    topics.push_back({event_topic(options, context), options.partitions});
    topics.push_back({command_topic(options, context), options.partitions});
  }
  for (const std::string& consumer : consumers)
    topics.push_back({parking_topic(options, consumer), options.partitions, "compact"});
  for (const Topic& topic : topics) {
    const int found = admin.partitions_of(topic.name);
    if (found < 0) {
      admin.create(topic);
      continue;
    }
    if (found != topic.partitions)
      return "topic " + topic.name + " has " + std::to_string(found) + " partitions and this program was told " +
             std::to_string(topic.partitions) + ": give --partitions " + std::to_string(found) +
             ", or another --prefix for a new installation. The count of an installation never changes: ids would move to other logs.";
    if (admin.config(topic.name, "cleanup.policy") != topic.cleanup)
      return "topic " + topic.name + " has another cleanup.policy than " + topic.cleanup +
             ", so that it would lose what it must keep: set cleanup.policy=" + topic.cleanup + ".";
    if (admin.config(topic.name, "retention.ms") != "-1" || admin.config(topic.name, "retention.bytes") != "-1")
      return "topic " + topic.name + " forgets its oldest records: set retention.ms=-1 and retention.bytes=-1.";
  }
  const std::string mine = R"({"hash":"murmur2","partitions":)" + std::to_string(options.partitions) + "}";
  const std::string recorded = admin.first_record_or(options.prefix + ".topology", mine);
  if (recorded != mine)
    return "this installation was made as " + recorded + " and this program was told " + mine +
           ": start it with the recorded number of partitions.";
  return std::nullopt;
}

std::map<std::string, int> event_partitions(const KafkaOptions& options, const std::vector<std::string>& contexts, int timeout_ms) {
  const auto all = Admin(options, timeout_ms).all_partitions();
  std::map<std::string, int> found;
  for (const std::string& context : contexts)
    if (const auto topic = all.find(event_topic(options, context)); topic != all.end() && topic->second > 0) found[context] = topic->second;
  return found;
}

std::vector<Extent> extents(const KafkaOptions& options, Topics topics, const std::vector<LogId>& logs, int timeout_ms) {
  Admin admin(options, timeout_ms);
  std::vector<Extent> found;
  for (const LogId& log : logs) found.push_back(admin.extent(topic_of(options, topics, log.context), log.shard));
  return found;
}

}  // namespace everfold::kafka
