#include <chrono>

#include "kernel/check.hpp"
#include "kernel/shard.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/record.hpp"

namespace everfold::kafka {
namespace {

Own<rd_kafka_conf_t> producer_conf(const KafkaOptions& options) {
  return make_conf({{"bootstrap.servers", options.brokers},
                    {"enable.idempotence", "true"},
                    {"acks", "all"},
                    {"linger.ms", "0"},
                    {"compression.type", "lz4"},
                    {"socket.nagle.disable", "true"},
                    {"message.timeout.ms", "0"},  // for ever: only a new session gives a record up
                    {"message.max.bytes", "1000000"},
                    {"queue.buffering.max.messages", "1000000"},
                    {"reconnect.backoff.ms", "50"},
                    {"reconnect.backoff.max.ms", "1000"},
                    {"retry.backoff.ms", "20"}});
}

void report_error(const Warn& warn, int error, const char* reason) {
  warn(std::string(rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error))) + ": " + reason);
}

class KafkaLogAppender final : public LogAppender {
 public:
  KafkaLogAppender(const KafkaOptions& options, Warn warn, Topics topics)
      : options_(options), topics_(topics), warn_(std::move(warn)) {
    start();
  }
  ~KafkaLogAppender() override { give_up(); }

  void append(const LogId& log, OutgoingRecord record) override {
    if (in_doubt_) return;  // nothing may follow a lost record in this session
    const rd_kafka_resp_err_t error =
        produce(client_.get(), topic_of(options_, topics_, log.context).c_str(), log.shard, record, nullptr,
                topics_ == Topics::parked);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) doubt(error);
  }

  bool in_doubt() override {
    rd_kafka_poll(client_.get(), 0);
    return in_doubt_;
  }

  void new_session() override {
    give_up();
    start();
  }

  std::size_t in_flight() const override { return static_cast<std::size_t>(rd_kafka_outq_len(client_.get())); }

 private:
  void start() {
    auto conf = producer_conf(options_);
    set(*conf, "delivery.report.only.error", "true");  // what arrived is read back; only what did not is news
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    in_doubt_ = false;
    client_ = make_client(RD_KAFKA_PRODUCER, std::move(conf));
  }

  void give_up() {
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    client_.reset();
  }

  void doubt(rd_kafka_resp_err_t error) {
    if (!in_doubt_) warn_(std::string("a record may be lost: ") + rd_kafka_err2str(error));
    in_doubt_ = true;
  }

  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
        message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
      static_cast<KafkaLogAppender*>(self)->doubt(message->err);
  }

  static void on_error(rd_kafka_t*, int error, const char* reason, void* self) {
    auto& appender = *static_cast<KafkaLogAppender*>(self);
    if (error == RD_KAFKA_RESP_ERR__FATAL) appender.doubt(RD_KAFKA_RESP_ERR__FATAL);
    report_error(appender.warn_, error, reason);
  }

  const KafkaOptions options_;
  const Topics topics_;
  const Warn warn_;
  bool in_doubt_ = false;
  Own<rd_kafka_t> client_;
};

class KafkaCommandSender final : public CommandSender {
 public:
  KafkaCommandSender(const KafkaOptions& options, const std::vector<std::string>& contexts, Warn warn)
      : options_(options), contexts_(contexts), warn_(std::move(warn)) {
    start();
  }

  bool send(const std::vector<Command>& commands, int timeout_ms) override {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    open_ = commands.size();
    failed_ = false;
    for (const Command& command : commands) {
      const CommandMeta& meta = command.meta;
      const rd_kafka_resp_err_t error =
          produce(client_.get(), command_topic(options_, meta.context).c_str(),
                  shard_of(meta.aggregate_id, options_.partitions), command_record(command), nullptr);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        warn_(std::string("a command could not be sent: ") + rd_kafka_err2str(error));
        failed_ = true;
        break;
      }
    }
    while (!failed_ && open_ > 0 && std::chrono::steady_clock::now() < deadline) rd_kafka_poll(client_.get(), 10);
    if (!failed_ && open_ == 0) return true;
    // What is still on its way must not overtake what is sent again after it.
    rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    start();
    return false;
  }

 private:
  void start() {
    auto conf = producer_conf(options_);
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
      auto& sender = *static_cast<KafkaCommandSender*>(self);
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) sender.failed_ = true;
      if (sender.open_ > 0) --sender.open_;
    });
    rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int error, const char* reason, void* self) {
      report_error(static_cast<KafkaCommandSender*>(self)->warn_, error, reason);
    });
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    topics_.clear();
    client_.reset();  // the old one first: its last callbacks count for nothing
    open_ = 0;
    failed_ = false;
    client_ = make_client(RD_KAFKA_PRODUCER, std::move(conf));
    for (const std::string& context : contexts_)
      topics_.emplace_back(rd_kafka_topic_new(client_.get(), command_topic(options_, context).c_str(), nullptr));
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, metadata_timeout_ms);
    const Own<const rd_kafka_metadata_t> owner(metadata);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) warn_(std::string("the first commands will be slow: ") + rd_kafka_err2str(error));
  }

  static constexpr int metadata_timeout_ms = 5'000;
  const KafkaOptions options_;
  const std::vector<std::string> contexts_;
  const Warn warn_;
  std::size_t open_ = 0;
  bool failed_ = false;
  Own<rd_kafka_t> client_;
  std::vector<Own<rd_kafka_topic_t>> topics_;  // known to the client for as long as they are held
};

}  // namespace

std::unique_ptr<LogAppender> make_log_appender(const KafkaOptions& options, Warn warn, Topics topics) {
  return std::make_unique<KafkaLogAppender>(options, std::move(warn), topics);
}

std::unique_ptr<CommandSender> make_command_sender(const KafkaOptions& options, const std::vector<std::string>& contexts,
                                                   Warn warn) {
  return std::make_unique<KafkaCommandSender>(options, contexts, std::move(warn));
}

}  // namespace everfold::kafka
