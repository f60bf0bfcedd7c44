#include "platform/kafka/group_positions.hpp"

#include "platform/kafka/handle.hpp"

namespace everfold::kafka {

// As the group, without joining it.
GroupPositions group_positions(const KafkaOptions& options, const std::string& group, Topics topics,
                               const std::vector<LogId>& logs, int timeout_ms) {
  auto conf = make_conf({{"bootstrap.servers", options.brokers},
                         {"group.id", options.prefix + "." + group},
                         {"enable.auto.commit", "false"},
                         {"socket.nagle.disable", "true"},
                         {"reconnect.backoff.max.ms", "1000"}});
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  Own<rd_kafka_t> client = make_client(RD_KAFKA_CONSUMER, std::move(conf));
  const Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(logs.size())));
  for (const LogId& log : logs)
    rd_kafka_topic_partition_list_add(list.get(), topic_of(options, topics, log.context).c_str(), log.shard);
  rd_kafka_resp_err_t error = rd_kafka_committed(client.get(), list.get(), timeout_ms);
  GroupPositions positions;
  for (std::size_t i = 0; i < logs.size() && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    const auto& entry = list->elems[i];  // in the order asked
    error = entry.err;
    if (entry.offset < 0) continue;
    positions[logs[i]] = {
        entry.offset, std::string(static_cast<const char*>(entry.metadata), entry.metadata ? entry.metadata_size : 0)};
  }
  rd_kafka_destroy_flags(client.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);  // there is no group to leave
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error("the positions of consumer group " + options.prefix + "." + group +
                             " cannot be read: " + rd_kafka_err2str(error));
  return positions;
}

}  // namespace everfold::kafka
