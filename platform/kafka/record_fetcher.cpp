#include "runtime/log/record_fetcher.hpp"

#include <algorithm>
#include <chrono>

#include "platform/kafka/log_source.hpp"
#include "platform/kafka/record.hpp"

namespace everfold::kafka {
namespace {

class KafkaRecordFetcher final : public RecordFetcher {
 public:
  KafkaRecordFetcher(const KafkaOptions& options, Topics topics, Warn warn)
      : options_(options), topics_(topics), warn_(std::move(warn)) {}

  ~KafkaRecordFetcher() override {
    // No group was joined, so there is none to leave: asking for that can wait for a broker that is away.
    if (client_) rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }

  std::optional<OutgoingRecord> fetch(const LogId& log, int64_t offset, int timeout_ms) override {
    if (!client_) start();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    const bool follows = log == log_ && offset >= next_ && offset - next_ < read_on;
    if (!follows) assign(log, offset);
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const Own<rd_kafka_message_t> message(
          rd_kafka_consumer_poll(client_.get(), static_cast<int>(std::max<int64_t>(left.count(), 0))));
      if (!message) break;
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        warn_(std::string("a parked record is being read again: ") + rd_kafka_message_errstr(message.get()));
        if (std::chrono::steady_clock::now() < deadline) continue;
        break;
      }
      next_ = message->offset + 1;
      if (message->offset == offset) return copy_of(view_of(*message, headers_));
      if (message->offset > offset) break;  // it is not there any more
    }
    unassign();
    return std::nullopt;
  }

 private:
  static constexpr int64_t read_on = 1'000;  // records: sooner read than looked for

  void start() {
    auto conf = make_conf({{"bootstrap.servers", options_.brokers},
                           {"group.id", options_.prefix + ".unused"},  // asked for by the library; nothing is committed
                           {"enable.auto.commit", "false"},
                           {"auto.offset.reset", "error"},
                           {"socket.nagle.disable", "true"},
                           {"check.crcs", "true"},
                           {"queued.min.messages", "1000"},
                           {"queued.max.messages.kbytes", "4096"},
                           {"fetch.error.backoff.ms", "50"},
                           {"reconnect.backoff.ms", "50"},
                           {"reconnect.backoff.max.ms", "1000"}});
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    client_ = make_client(RD_KAFKA_CONSUMER, std::move(conf));
    rd_kafka_poll_set_consumer(client_.get());
  }

  void assign(const LogId& log, int64_t offset) {
    const Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic_of(options_, topics_, log.context).c_str(), log.shard)->offset = offset;
    rd_kafka_assign(client_.get(), list.get());
    log_ = log;
    next_ = offset;
  }

  void unassign() {
    rd_kafka_assign(client_.get(), nullptr);
    log_ = {};
  }

  static OutgoingRecord copy_of(const RecordView& record) {
    OutgoingRecord copy{std::string(record.key), std::string(record.value), {}};
    for (const auto& [name, value] : record.headers) copy.headers.emplace_back(name, value);
    return copy;
  }

  const KafkaOptions options_;
  const Topics topics_;
  const Warn warn_;
  Own<rd_kafka_t> client_;
  std::vector<HeaderView> headers_;
  LogId log_;         // that is being read
  int64_t next_ = 0;  // its next record
};

}  // namespace

std::unique_ptr<RecordFetcher> make_record_fetcher(const KafkaOptions& options, Topics topics, Warn warn) {
  return std::make_unique<KafkaRecordFetcher>(options, topics, std::move(warn));
}

}  // namespace everfold::kafka
