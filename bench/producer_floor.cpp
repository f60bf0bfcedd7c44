// bench-producer-floor: a bare idempotent librdkafka producer and the records of a receipt of stock, as
// everfold-command would write them. Many clients: each sends its next record when the delivery of its last is
// reported. Lone: one record after another, each read back by a consumer before the next is sent.
#include <stdexcept>
#include <string>

#include "bench/figures.hpp"
#include "kernel/codec.hpp"
#include "kernel/ids.hpp"
#include "kernel/shard.hpp"
#include "platform/config/command_line.hpp"
#include "platform/kafka/record.hpp"
#include "platform/kafka/topology.hpp"
#include "runtime/log/stored_event.hpp"
#include "schemas/inventory/v1/events.pb.h"

namespace everfold::bench {
namespace {

constexpr const char* context = "inventory";
constexpr int topics_timeout_ms = 30'000;
constexpr int drain_ms = 10'000;
constexpr int64_t now_ms = 1'767'225'600'000;  // 2026-01-01: any time is as long as any other
constexpr int skus = 300;
constexpr int different_records = 20'000;  // more than lie in a batch, so that they compress as the real ones do

struct Settings {
  config::Options common;
  int64_t clients = 64;
  int64_t seconds = 3;
  bool lone = false;
};

Settings settings_of(int argc, char** argv) {
  Settings settings;
  config::CommandLine line("bench-producer-floor", "A bare idempotent producer.", settings.common);
  line.kafka().topics();
  line.number("clients", settings.clients, 1, 100'000, "Records in flight")
      .number("seconds", settings.seconds, 1, 3'600, "For how long")
      .flag("lone", settings.lone, "One record at a time, each read back");
  line.parse_or_exit(argc, argv);
  return settings;
}

struct Prepared {
  int partition;
  OutgoingRecord record;
};

// As the HTTP edge makes correlation ids: 36 characters.
std::string correlation_id(const std::string& text) {
  std::string id = derive_id({"correlation", text});
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) id.insert(dash, 1, '-');
  return id;
}

// Built beforehand: the floor is what Kafka costs, not what building records costs.
std::vector<Prepared> prepared_records(int partitions) {
  std::vector<Prepared> prepared;
  for (int number = 0; number < different_records; ++number) {
    const std::string text = std::to_string(number);
    const std::string sku = "BENCH-" + std::to_string(number % skus);
    inventory::v1::StockReceived received;
    received.set_quantity(1);
    received.set_on_hand(1'000 + number);
    auto encoded = encode_message(received);
    const std::string command_id = derive_id({"command", text});
    StoredEvent event;
    event.meta = {event_id(command_id, 1), std::move(encoded.type), context,    sku, 1'000 + number,
                  now_ms + number,         correlation_id(text),    command_id, "",  "admin-1"};
    event.bytes = std::move(encoded.bytes);
    event.digest = derive_id({"request", sku});
    prepared.push_back({shard_of(sku, partitions), event_record(event, {1, 100'000 + number, 1, 1})});
  }
  return prepared;
}

class Producer {
 public:
  explicit Producer(const config::Options& options)
      : kafka_{options.brokers, options.prefix, options.partitions, options.replication_factor,
               options.min_insync_replicas},
        prepared_(prepared_records(options.partitions)) {
    if (const auto refusal = kafka::ensure_topics(kafka_, {context}, topics_timeout_ms))
      throw std::runtime_error(*refusal);
    topic_ = kafka::event_topic(kafka_, context);
    auto conf = kafka::make_conf({{"bootstrap.servers", kafka_.brokers},
                                  {"enable.idempotence", "true"},
                                  {"acks", "all"},
                                  {"linger.ms", "0"},
                                  {"compression.type", "lz4"},
                                  {"socket.nagle.disable", "true"}});
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
    client_ = kafka::make_client(RD_KAFKA_PRODUCER, std::move(conf));
    warm_up();
  }

  const kafka::KafkaOptions& kafka() const { return kafka_; }
  const std::string& topic() const { return topic_; }

  // `clients` of them for so many seconds.
  void measure(int64_t clients, int64_t seconds) {
    const int64_t before = records_in_topic();
    sent_.assign(static_cast<std::size_t>(clients), {});
    latencies_ns_.clear();
    sending_ = true;
    const auto start = Clock::now();
    for (std::size_t client = 0; client < sent_.size(); ++client) send(client);
    while (seconds_since(start) < static_cast<double>(seconds)) rd_kafka_poll(client_.get(), 10);
    const double elapsed_s = seconds_since(start);
    const std::size_t delivered = latencies_ns_.size();
    sending_ = false;
    drain();
    if (records_in_topic() - before != static_cast<int64_t>(latencies_ns_.size()))
      throw std::runtime_error("the topic has not as many new records as were reported delivered");
    std::cout << "{\"perSecond\": " << static_cast<double>(delivered) / elapsed_s
              << ", \"p50Ms\": " << percentile_ms(latencies_ns_, 0.5)
              << ", \"p99Ms\": " << percentile_ms(latencies_ns_, 0.99) << "}\n";
  }

  void send_to_partition_0() { produce(0, prepared_.front().record, nullptr); }
  void serve_reports() { rd_kafka_poll(client_.get(), 0); }
  void drain() {
    if (rd_kafka_flush(client_.get(), drain_ms) != RD_KAFKA_RESP_ERR_NO_ERROR || failed_)
      throw std::runtime_error("Kafka did not take every record");
  }

 private:
  // The first record to a topic waits for its metadata.
  void warm_up() {
    for (int partition = 0; partition < kafka_.partitions; ++partition)
      produce(partition, prepared_.front().record, nullptr);
    drain();
  }

  int64_t records_in_topic() {
    int64_t records = 0;
    for (int partition = 0; partition < kafka_.partitions; ++partition) {
      int64_t low = 0, high = 0;
      const auto error =
          rd_kafka_query_watermark_offsets(client_.get(), topic_.c_str(), partition, &low, &high, drain_ms);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
      records += high;
    }
    return records;
  }

  void produce(int partition, const OutgoingRecord& record, void* client) {
    const auto error = kafka::produce(client_.get(), topic_.c_str(), partition, record, client);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
  }

  void send(std::size_t client) {
    const Prepared& next = prepared_[next_++ % prepared_.size()];
    sent_[client] = Clock::now();
    produce(next.partition, next.record, &sent_[client]);
  }

  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<Producer*>(opaque);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) self.failed_ = true;
    if (!message->_private) return;
    const auto* sent = static_cast<Clock::time_point*>(message->_private);
    self.latencies_ns_.push_back(ns_since(*sent));
    if (self.sending_) self.send(static_cast<std::size_t>(sent - self.sent_.data()));
  }

  const kafka::KafkaOptions kafka_;
  const std::vector<Prepared> prepared_;
  std::string topic_;
  std::size_t next_ = 0;
  bool sending_ = false, failed_ = false;
  std::vector<Clock::time_point> sent_;  // by client: when its last record went out
  std::vector<int64_t> latencies_ns_;
  kafka::Own<rd_kafka_t> client_;
};

kafka::Own<rd_kafka_t> tail_of_partition_0(const Producer& producer) {
  auto consumer =
      kafka::make_client(RD_KAFKA_CONSUMER, kafka::make_conf({{"bootstrap.servers", producer.kafka().brokers},
                                                              {"group.id", producer.kafka().prefix + ".unused"},
                                                              {"enable.auto.commit", "false"},
                                                              {"enable.partition.eof", "true"},
                                                              {"socket.nagle.disable", "true"}}));
  rd_kafka_poll_set_consumer(consumer.get());
  const kafka::Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), producer.topic().c_str(), 0)->offset = 0;
  rd_kafka_assign(consumer.get(), list.get());
  return consumer;
}

// The next record, or (at_end) the notice that there is none.
void await(rd_kafka_t* consumer, Producer& producer, bool at_end) {
  const auto start = Clock::now();
  for (;;) {
    const kafka::Own<rd_kafka_message_t> message(rd_kafka_consumer_poll(consumer, 100));
    producer.serve_reports();
    if (message && message->err == (at_end ? RD_KAFKA_RESP_ERR__PARTITION_EOF : RD_KAFKA_RESP_ERR_NO_ERROR)) return;
    if (seconds_since(start) > drain_ms / 1000.0) throw std::runtime_error("a record did not come back from Kafka");
  }
}

void measure_lone(Producer& producer, int64_t seconds) {
  const auto consumer = tail_of_partition_0(producer);
  await(consumer.get(), producer, true);
  std::vector<int64_t> latencies_ns;
  const auto start = Clock::now();
  while (seconds_since(start) < static_cast<double>(seconds)) {
    const auto sent = Clock::now();
    producer.send_to_partition_0();
    await(consumer.get(), producer, false);
    latencies_ns.push_back(ns_since(sent));
  }
  const auto count = latencies_ns.size();
  std::cout << "{\"perSecond\": " << static_cast<double>(count) / seconds_since(start)
            << ", \"p50Ms\": " << percentile_ms(latencies_ns, 0.5)
            << ", \"p99Ms\": " << percentile_ms(latencies_ns, 0.99) << "}\n";
}

}  // namespace
}  // namespace everfold::bench

int main(int argc, char** argv) {
  using namespace everfold::bench;
  const auto settings = settings_of(argc, argv);
  return run("bench-producer-floor", [&] {
    Producer producer(settings.common);
    if (settings.lone)
      measure_lone(producer, settings.seconds);
    else
      producer.measure(settings.clients, settings.seconds);
  });
}
