#include <chrono>
#include <cstring>
#include <map>
#include <set>

#include "kernel/check.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/record.hpp"

namespace everfold::kafka {
namespace {

using Clock = std::chrono::steady_clock;

// Pausing throws away what was fetched ahead: not for the blink of an eye.
constexpr auto pause_after = std::chrono::seconds(1);
constexpr auto positions_every = std::chrono::milliseconds(200);
// What Kafka is given to take the last positions and the farewell. Left without, it learns by the session's end; what was
// done behind the last position is done again, and known by its ids.
constexpr int last_positions_ms = 2'000;
constexpr auto farewell_time = std::chrono::seconds(2);

class KafkaGroupSource final : public GroupSource {
 public:
  KafkaGroupSource(const KafkaOptions& options, const std::string& group, Topics topics,
                   const std::vector<std::string>& contexts, Warn warn)
      : options_(options), group_(options.prefix + "." + group), topics_(topics), warn_(std::move(warn)) {
    auto conf = make_conf({{"bootstrap.servers", options.brokers},
                           {"group.id", group_},
                           {"enable.auto.commit", "false"},
                           {"enable.auto.offset.store", "false"},
                           // A lost event would be a hole in history; commands older than their topic's retention are nobody's.
                           {"auto.offset.reset", topics == Topics::events ? "error" : "earliest"},
                           {"partition.assignment.strategy", "range"},
                           {"session.timeout.ms", std::to_string(options.session_timeout_ms)},
                           {"heartbeat.interval.ms", std::to_string(options.session_timeout_ms / 6)},
                           {"socket.nagle.disable", "true"},
                           {"check.crcs", "true"},
                           {"fetch.error.backoff.ms", "50"},
                           {"reconnect.backoff.ms", "50"},
                           {"reconnect.backoff.max.ms", "1000"}});
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_rebalance_cb(conf.get(), on_rebalance);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    client_ = make_client(RD_KAFKA_CONSUMER, std::move(conf));
    rd_kafka_poll_set_consumer(client_.get());
    queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
    Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(contexts.size())));
    for (const std::string& context : contexts)
      rd_kafka_topic_partition_list_add(list.get(), topic_of(context).c_str(), RD_KAFKA_PARTITION_UA);
    const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_.get(), list.get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error(std::string("subscribing to topics: ") + rd_kafka_err2str(error));
  }

  ~KafkaGroupSource() override {
    send_positions(/*wait=*/true);
    leave_group();
    queue_.reset();
    rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }

  std::size_t poll(int timeout_ms, const Listener& listener) override {
    if (paused_) pause_all(false);
    return take(timeout_ms, listener);
  }

  void keep_membership(const Listener& listener) override {
    if (!paused_ && Clock::now() - polled_at_ > pause_after) pause_all(true);
    if (paused_) take(0, listener);
    else send_positions_now_and_then();
  }

  void commit(const LogId& log, int64_t offset, const std::string& note) override { positions_[log] = {offset, note}; }

  void pause(const LogId& log) override {
    held_.insert(log);
    change(rd_kafka_pause_partitions, only(log));
  }
  void resume(const LogId& log) override {
    held_.erase(log);
    if (!paused_) change(rd_kafka_resume_partitions, only(log));
  }

  void wake() override { rd_kafka_queue_yield(queue_.get()); }

 private:
  struct Position {
    int64_t offset = 0;
    std::string note;
  };

  std::size_t take(int timeout_ms, const Listener& listener) {
    listener_ = &listener;
    std::size_t records = 0;
    while (records < 1000) {
      const Own<rd_kafka_message_t> message(rd_kafka_consumer_poll(client_.get(), records == 0 ? timeout_ms : 0));
      if (!message) break;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++records;
        listener.record(log_of(rd_kafka_topic_name(message->rkt), message->partition), view_of(*message, headers_));
      } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        fail(where(*message) + " no longer has the records that consumer group " + group_ +
             " had read up to: it was truncated or made anew. Restore the topic, or delete the group's offsets to "
             "begin again from the start.");
      } else if (unreadable(message->err)) {
        fail("a record of " + where(*message) + " cannot be read by consumer group " + group_ + " (" +
             rd_kafka_err2str(message->err) +
             "): going on would skip it. Starting again reads it anew; if that fails too, the broker's disk is "
             "damaged.");
      } else {
        warn_(rd_kafka_message_errstr(message.get()));
        break;
      }
    }
    polled_at_ = Clock::now();
    send_positions_now_and_then();
    listener_ = nullptr;
    return records;
  }

  static std::string where(const rd_kafka_message_t& message) {
    if (!message.rkt) return "a log";
    return std::string("log ") + rd_kafka_topic_name(message.rkt) + "/" + std::to_string(message.partition);
  }

  // All partitions that are assigned. What was fetched and not handed over yet is fetched again.
  void pause_all(bool paused) {
    rd_kafka_topic_partition_list_t* assigned = nullptr;
    const rd_kafka_resp_err_t error = rd_kafka_assignment(client_.get(), &assigned);
    check(error == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(error));
    change(paused ? rd_kafka_pause_partitions : rd_kafka_resume_partitions, Partitions(assigned));
    paused_ = paused;
    if (!paused)
      for (const LogId& log : held_) change(rd_kafka_pause_partitions, only(log));
  }

  using Partitions = Own<rd_kafka_topic_partition_list_t>;
  void change(rd_kafka_resp_err_t (*pause_or_resume)(rd_kafka_t*, rd_kafka_topic_partition_list_t*), const Partitions& which) {
    const rd_kafka_resp_err_t error = pause_or_resume(client_.get(), which.get());
    check(error == RD_KAFKA_RESP_ERR_NO_ERROR, rd_kafka_err2str(error));
  }

  void send_positions_now_and_then() {
    if (Clock::now() - sent_at_ > positions_every) send_positions(/*wait=*/false);
  }

  std::string topic_of(const std::string& context) const {
    return topics_ == Topics::events ? event_topic(options_, context) : command_topic(options_, context);
  }

  Partitions only(const LogId& log) const {
    Partitions list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic_of(log.context).c_str(), log.shard);
    return list;
  }

  const LogId& log_of(const char* topic, int partition) {
    auto& logs = logs_[topic];
    auto [at, fresh] = logs.try_emplace(partition);
    if (fresh) at->second = {context_of_topic(topic), partition};
    return at->second;
  }

  void send_positions(bool wait) {
    sent_at_ = Clock::now();
    if (positions_.empty()) return;
    Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(positions_.size())));
    for (const auto& [log, position] : positions_) {
      auto* entry = rd_kafka_topic_partition_list_add(list.get(), topic_of(log.context).c_str(), log.shard);
      entry->offset = position.offset;
      if (!position.note.empty()) {
        entry->metadata = std::malloc(position.note.size());
        check(entry->metadata != nullptr, "out of memory");
        std::memcpy(entry->metadata, position.note.data(), position.note.size());
        entry->metadata_size = position.note.size();
      }
    }
    positions_.clear();
    const rd_kafka_resp_err_t error =
        wait ? commit_and_wait(*list) : rd_kafka_commit(client_.get(), list.get(), /*async=*/1);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)  // what was done is done again after a restart, and known by its ids
      warn_(std::string("positions were not committed: ") + rd_kafka_err2str(error));
  }

  // rd_kafka_commit() would wait for as long as the broker is away; so would rd_kafka_consumer_close().
  rd_kafka_resp_err_t commit_and_wait(const rd_kafka_topic_partition_list_t& list) {
    const Own<rd_kafka_queue_t> answers(rd_kafka_queue_new(client_.get()));
    const rd_kafka_resp_err_t error = rd_kafka_commit_queue(client_.get(), &list, answers.get(), nullptr, nullptr);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
    const Own<rd_kafka_event_t> answer(rd_kafka_queue_poll(answers.get(), last_positions_ms));
    return answer ? rd_kafka_event_error(answer.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  }

  void leave_group() {
    const Own<rd_kafka_queue_t> events(rd_kafka_queue_new(client_.get()));
    const Own<rd_kafka_error_t> error(rd_kafka_consumer_close_queue(client_.get(), events.get()));
    if (error) return warn_(std::string("leaving a group: ") + rd_kafka_error_string(error.get()));
    const auto deadline = Clock::now() + farewell_time;
    while (!rd_kafka_consumer_closed(client_.get()) && Clock::now() < deadline) {
      const Own<rd_kafka_event_t> event(rd_kafka_queue_poll(events.get(), 50));
      if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) rd_kafka_assign(client_.get(), nullptr);
    }
  }

  static void on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t event, rd_kafka_topic_partition_list_t* partitions, void* opaque) {
    auto& self = *static_cast<KafkaGroupSource*>(opaque);
    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) self.assigned(partitions);
    else self.revoked(partitions);
  }

  void assigned(rd_kafka_topic_partition_list_t* partitions) {
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int attempt = 0; attempt < 5 && error != RD_KAFKA_RESP_ERR_NO_ERROR; ++attempt)
      error = rd_kafka_committed(client_.get(), partitions, 5'000);
    check(error == RD_KAFKA_RESP_ERR_NO_ERROR,
          "a consumer group's positions cannot be read: is Kafka's coordinator up? Starting again continues where it stopped");
    std::vector<Assigned> assigned;
    for (int i = 0; i < partitions->cnt; ++i) {
      auto& entry = partitions->elems[i];
      if (entry.offset < 0) entry.offset = topics_ == Topics::events ? 0 : RD_KAFKA_OFFSET_BEGINNING;
      assigned.push_back({log_of(entry.topic, entry.partition), std::max<int64_t>(entry.offset, 0),
                          std::string(static_cast<const char*>(entry.metadata), entry.metadata ? entry.metadata_size : 0)});
    }
    held_.clear();
    if (listener_) listener_->assigned(assigned);
    rd_kafka_assign(client_.get(), partitions);
    pause_all(paused_);  // also when not: a partition that was paused when it was taken away is still
  }

  void revoked(rd_kafka_topic_partition_list_t* partitions) {
    std::vector<LogId> logs;
    for (int i = 0; i < partitions->cnt; ++i)
      logs.push_back(log_of(partitions->elems[i].topic, partitions->elems[i].partition));
    if (listener_) listener_->revoked(logs);
    send_positions(/*wait=*/true);
    rd_kafka_assign(client_.get(), nullptr);
  }

  static void on_error(rd_kafka_t*, int error, const char* reason, void* opaque) {
    static_cast<KafkaGroupSource*>(opaque)->warn_(
        std::string(rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error))) + ": " + reason);
  }

  const KafkaOptions options_;
  const std::string group_;
  const Topics topics_;
  const Warn warn_;
  Own<rd_kafka_t> client_;
  Own<rd_kafka_queue_t> queue_;
  const Listener* listener_ = nullptr;
  std::vector<HeaderView> headers_;
  std::map<std::string, std::map<int, LogId>> logs_;
  std::map<LogId, Position> positions_;
  Clock::time_point sent_at_ = Clock::now();
  Clock::time_point polled_at_ = Clock::now();
  bool paused_ = false;   // all of them
  std::set<LogId> held_;  // these, whatever the others do
};

}  // namespace

std::unique_ptr<GroupSource> make_group_source(const KafkaOptions& options, const std::string& group, Topics topics,
                                               const std::vector<std::string>& contexts, Warn warn) {
  return std::make_unique<KafkaGroupSource>(options, group, topics, contexts, std::move(warn));
}

}  // namespace everfold::kafka
