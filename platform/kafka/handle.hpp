// Private to platform/kafka: librdkafka's objects with owners, and its configuration by pairs.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace everfold::kafka {

struct Free {
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const { rd_kafka_topic_partition_list_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_error_t* p) const { rd_kafka_error_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_AdminOptions_t* p) const { rd_kafka_AdminOptions_destroy(p); }
  void operator()(rd_kafka_NewTopic_t* p) const { rd_kafka_NewTopic_destroy(p); }
  void operator()(rd_kafka_ConfigResource_t* p) const { rd_kafka_ConfigResource_destroy(p); }
  void operator()(const rd_kafka_metadata_t* p) const { rd_kafka_metadata_destroy(p); }
};
template <class T>
using Own = std::unique_ptr<T, Free>;

inline void set(rd_kafka_conf_t& conf, const char* name, const std::string& value) {
  char error[256];
  if (rd_kafka_conf_set(&conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK)
    throw std::runtime_error(std::string("Kafka setting ") + name + ": " + error);
}

inline Own<rd_kafka_conf_t> make_conf(std::initializer_list<std::pair<const char*, std::string>> settings) {
  Own<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : settings) set(*conf, name, value);
  return conf;
}

inline Own<rd_kafka_t> make_client(rd_kafka_type_t type, Own<rd_kafka_conf_t> conf) {
  char error[256];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), error, sizeof error);
  if (!client) throw std::runtime_error(std::string("Kafka client: ") + error);
  static_cast<void>(conf.release());  // the client owns it now
  return Own<rd_kafka_t>(client);
}

// "<prefix>.<context>.events" → "<context>"
inline std::string context_of_topic(const std::string& topic) {
  const std::size_t last = topic.rfind('.');
  const std::size_t before = topic.rfind('.', last - 1);
  return topic.substr(before + 1, last - before - 1);
}

}  // namespace everfold::kafka
