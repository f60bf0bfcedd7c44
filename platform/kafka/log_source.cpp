#include "platform/kafka/log_source.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>

#include "kernel/check.hpp"
#include "platform/kafka/record.hpp"

namespace everfold::kafka {
namespace {

class KafkaLogSource final : public LogSource {
 public:
  KafkaLogSource(const KafkaOptions& options, Reading reading, Warn warn, Topics topics)
      : options_(options), topics_(topics), warn_(std::move(warn)) {
    // The queues must hold more than a second of work: librdkafka 2.0.2 stops fetching for a second when they overflow.
    const bool bulk = reading == Reading::bulk;
    auto conf = make_conf({{"bootstrap.servers", options.brokers},
                           {"group.id", options.prefix + ".unused"},  // asked for by the library; nothing is committed
                           {"enable.auto.commit", "false"},
                           {"auto.offset.reset", "error"},
                           {"isolation.level", "read_uncommitted"},
                           {"socket.nagle.disable", "true"},
                           {"socket.timeout.ms", "6000"},
                           {"check.crcs", "true"},
                           {"queued.min.messages", bulk ? "1000000" : "100000"},
                           {"queued.max.messages.kbytes", bulk ? "1000000" : "65536"},
                           {"fetch.message.max.bytes", bulk ? "8388608" : "1048576"},
                           {"fetch.error.backoff.ms", "50"},
                           {"reconnect.backoff.ms", "50"},
                           {"reconnect.backoff.max.ms", "1000"}});
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    client_ = make_client(RD_KAFKA_CONSUMER, std::move(conf));
    rd_kafka_poll_set_consumer(client_.get());
    queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
    wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    check(wake_fd_ >= 0, "no eventfd is to be had: too many open files?");
    rd_kafka_queue_io_event_enable(queue_.get(), wake_fd_, &one_, sizeof one_);
  }

  ~KafkaLogSource() override {
    rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
    queue_.reset();
    // No group was joined, so there is none to leave: asking for that can wait for a broker that is away.
    rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    close(wake_fd_);
  }

  void assign(std::vector<std::pair<LogId, int64_t>> logs) override {
    Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(logs.size())));
    index_.clear();
    logs_.clear();
    for (std::size_t i = 0; i < logs.size(); ++i) {
      const auto& [log, offset] = logs[i];
      logs_.push_back(log);
      const std::string topic = topic_of(options_, topics_, log.context);
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), log.shard)->offset = offset;
      auto& shards = index_[topic];
      if (shards.size() <= static_cast<std::size_t>(log.shard)) shards.resize(static_cast<std::size_t>(log.shard) + 1);
      shards[static_cast<std::size_t>(log.shard)] = i;
    }
    const rd_kafka_resp_err_t error = rd_kafka_assign(client_.get(), list.get());
    check(error == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(error));
    last_topic_ = nullptr;
  }

  std::size_t poll(int timeout_ms, const Sink& sink) override {
    if (const std::size_t n = take(sink)) return n;
    pollfd waiting{wake_fd_, POLLIN, 0};
    ::poll(&waiting, 1, timeout_ms);
    uint64_t drained = 0;
    static_cast<void>(read(wake_fd_, &drained, sizeof drained));
    return take(sink);
  }

  int64_t end_offset(const LogId& log, int timeout_ms) override {
    const std::string topic = topic_of(options_, topics_, log.context);
    int64_t low = 0, high = 0;
    // As the last fetch said, when this log is being read: no question to a broker.
    if (rd_kafka_get_watermark_offsets(client_.get(), topic.c_str(), log.shard, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0)
      return high;
    // "The offset for the time LATEST" rather than rd_kafka_query_watermark_offsets(), which does not keep its timeout when the
    // broker is away.
    const Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
    auto* asked = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), log.shard);
    asked->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client_.get(), list.get(), timeout_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = asked->err;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error("the end of log " + to_string(log) + " cannot be learnt: " + rd_kafka_err2str(error));
    return asked->offset;
  }

  std::vector<WantedPosition> end_positions(int timeout_ms) override {
    Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(logs_.size())));
    for (const LogId& log : logs_)
      rd_kafka_topic_partition_list_add(list.get(), topic_of(options_, topics_, log.context).c_str(), log.shard)->offset =
          RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client_.get(), list.get(), timeout_ms);
    std::vector<WantedPosition> ends;
    for (std::size_t i = 0; i < logs_.size() && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      const auto& answer = list->elems[i];  // in the order asked
      error = answer.err;
      ends.push_back({logs_[i], answer.offset});
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error(std::string("the ends of the logs cannot be learnt: ") + rd_kafka_err2str(error));
    return ends;
  }

  void wake() override { static_cast<void>(write(wake_fd_, &one_, sizeof one_)); }

 private:
  std::size_t take(const Sink& sink) {
    const ssize_t n = rd_kafka_consume_batch_queue(queue_.get(), 0, batch_.data(), batch_.size());
    std::size_t records = 0;
    for (ssize_t i = 0; i < n; ++i) {
      const Own<rd_kafka_message_t> message(batch_[static_cast<std::size_t>(i)]);
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        troubled(*message);
        continue;
      }
      ++records;
      sink(log_of(*message), view_of(*message, headers_));
    }
    return records;
  }

  std::size_t log_of(const rd_kafka_message_t& message) {
    if (message.rkt != last_topic_) {  // topic names are long; most records come in runs of one topic
      last_topic_ = message.rkt;
      last_shards_ = &index_.at(rd_kafka_topic_name(message.rkt));
    }
    return last_shards_->at(static_cast<std::size_t>(message.partition));
  }

  void troubled(const rd_kafka_message_t& message) {
    const std::string where = message.rkt ? std::string(rd_kafka_topic_name(message.rkt)) + "/" +
                                                std::to_string(message.partition)
                                          : std::string("Kafka");
    if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
      fail("the log " + where + " no longer has the records that this program had read up to: it was truncated or made anew. "
           "If that was meant, delete this program's local state and start it again; if not, restore the topic first.");
    if (unreadable(message.err))
      fail("a record of " + where + " cannot be read (" + rd_kafka_err2str(message.err) +
           "): going on would leave a hole in history. Starting again reads it anew; if that fails too, the broker's disk is damaged.");
    warn_(where + ": " + rd_kafka_message_errstr(&message));
  }

  static void on_error(rd_kafka_t*, int error, const char* reason, void* self) {
    static_cast<KafkaLogSource*>(self)->warn_(std::string(rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error))) + ": " +
                                              reason);
  }

  const KafkaOptions options_;
  const Topics topics_;
  const Warn warn_;
  const uint64_t one_ = 1;
  int wake_fd_ = -1;
  Own<rd_kafka_t> client_;
  Own<rd_kafka_queue_t> queue_;
  std::array<rd_kafka_message_t*, 2000> batch_{};
  std::vector<HeaderView> headers_;
  std::vector<LogId> logs_;                                // of assign()
  std::map<std::string, std::vector<std::size_t>> index_;  // topic → by partition, the index in assign()'s list
  const rd_kafka_topic_t* last_topic_ = nullptr;
  const std::vector<std::size_t>* last_shards_ = nullptr;
};

}  // namespace

std::unique_ptr<LogSource> make_log_source(const KafkaOptions& options, Reading reading, Warn warn, Topics topics) {
  return std::make_unique<KafkaLogSource>(options, reading, std::move(warn), topics);
}

}  // namespace everfold::kafka
