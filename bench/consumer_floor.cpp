// bench-consumer-floor: a bare librdkafka consumer reads the orders' event topic from its beginning to its present end,
// and does nothing with what it reads.
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "bench/figures.hpp"
#include "platform/config/command_line.hpp"
#include "platform/kafka/handle.hpp"
#include "platform/kafka/options.hpp"

namespace everfold::bench {
namespace {

constexpr int timeout_ms = 30'000;

config::Options options_of(int argc, char** argv) {
  config::Options options;
  config::CommandLine line("bench-consumer-floor", "A bare consumer of the orders' event topic.", options);
  line.kafka();
  line.parse_or_exit(argc, argv);
  return options;
}

// Queues for more than a second of records: otherwise librdkafka 2.0.2 pauses.
kafka::Own<rd_kafka_t> make_consumer(const config::Options& options) {
  auto client = kafka::make_client(RD_KAFKA_CONSUMER, kafka::make_conf({{"bootstrap.servers", options.brokers},
                                                                        {"group.id", options.prefix + ".unused"},
                                                                        {"enable.auto.commit", "false"},
                                                                        {"socket.nagle.disable", "true"},
                                                                        {"queued.min.messages", "1000000"},
                                                                        {"queued.max.messages.kbytes", "1000000"},
                                                                        {"fetch.message.max.bytes", "8388608"}}));
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

int64_t end_of(rd_kafka_t* consumer, const std::string& topic, int partition) {
  int64_t low = 0, high = 0;
  const auto error = rd_kafka_query_watermark_offsets(consumer, topic.c_str(), partition, &low, &high, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(topic + ": " + rd_kafka_err2str(error));
  return high;
}

void measure(const config::Options& options) {
  const auto start = Clock::now();
  const auto consumer = make_consumer(options);
  const std::string topic = kafka::event_topic({options.brokers, options.prefix, options.partitions}, "orders");
  const kafka::Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(options.partitions));
  int64_t wanted = 0;
  for (int partition = 0; partition < options.partitions; ++partition) {
    wanted += end_of(consumer.get(), topic, partition);
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = 0;
  }
  rd_kafka_assign(consumer.get(), list.get());
  const kafka::Own<rd_kafka_queue_t> queue(rd_kafka_queue_get_consumer(consumer.get()));
  std::array<rd_kafka_message_t*, 10'000> batch{};
  int64_t records = 0;
  std::size_t bytes = 0;
  while (records < wanted) {
    const auto count = rd_kafka_consume_batch_queue(queue.get(), 100, batch.data(), batch.size());
    for (ssize_t i = 0; i < count; ++i) {
      const kafka::Own<rd_kafka_message_t> message(batch[static_cast<std::size_t>(i)]);
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      ++records;
      bytes += message->len;
    }
    if (seconds_since(start) * 1000 > timeout_ms) throw std::runtime_error("Kafka does not hand over the whole topic");
  }
  const double elapsed_s = seconds_since(start);
  std::cout << "{\"records\": " << records << ", \"valueBytes\": " << bytes << ", \"seconds\": " << elapsed_s
            << ", \"perSecond\": " << static_cast<double>(records) / elapsed_s << "}\n";
}

}  // namespace
}  // namespace everfold::bench

int main(int argc, char** argv) {
  using namespace everfold::bench;
  const auto options = options_of(argc, argv);
  return run("bench-consumer-floor", [&] { measure(options); });
}
