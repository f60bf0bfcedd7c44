#include "platform/kafka/log_watch.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "kernel/check.hpp"
#include "platform/kafka/record.hpp"
#include "runtime/log/log_tail.hpp"

namespace everfold::kafka {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds look_period{3};
constexpr int looks_until_sure = 3;
constexpr int look_timeout_ms = 2'000;

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<int64_t>(left, 1));
}

std::string another_history(const std::string& topic, const LogId& log, const std::string& what) {
  return "log " + to_string(log) + " is not the one that was read before: " + what + ". Topic " + topic +
         " was deleted and made anew, restored from an older backup, or belongs to another cluster.";
}

}  // namespace

class LogWatch::Client {
 public:
  Client(const KafkaOptions& options, const std::vector<std::string>& contexts) {
    auto conf = make_conf({{"bootstrap.servers", options.brokers},
                           {"group.id", options.prefix + ".unused"},  // asked for by the library; nothing is committed
                           {"enable.auto.commit", "false"},
                           {"auto.offset.reset", "error"},
                           {"socket.nagle.disable", "true"},
                           // One batch comes in any case. librdkafka must not have enough of it, or it would wait for a
                           // second before it asks for the next log's (queued.min.messages: as many as it comes with).
                           {"fetch.message.max.bytes", "1000"},
                           {"reconnect.backoff.max.ms", "1000"}});
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    client_ = make_client(RD_KAFKA_CONSUMER, std::move(conf));
    rd_kafka_poll_set_consumer(client_.get());
    for (const std::string& context : contexts)
      for (const std::string& topic : {event_topic(options, context), command_topic(options, context)})
        topics_.emplace_back(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  }
  ~Client() { rd_kafka_destroy_flags(client_.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); }

  // Partition counts by topic; 0: there is no such topic.
  std::map<std::string, int> partitions(int timeout_ms) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, timeout_ms);
    const Own<const rd_kafka_metadata_t> owner(metadata);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(std::string("Kafka does not tell its topics: ") + rd_kafka_err2str(error));
    std::map<std::string, int> found;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
      const auto& topic = metadata->topics[i];
      if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) found[topic.topic] = topic.partition_cnt;
      if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) found[topic.topic] = 0;
    }
    return found;
  }

  // Where logs begin (RD_KAFKA_OFFSET_BEGINNING) or end (RD_KAFKA_OFFSET_END); without those that cannot be asked.
  std::map<std::pair<std::string, int>, int64_t> offsets(const std::vector<std::pair<std::string, int>>& logs, int64_t which,
                                                         int timeout_ms) {
    const auto list = list_of(logs, which);
    std::map<std::pair<std::string, int>, int64_t> found;
    if (rd_kafka_offsets_for_times(client_.get(), list.get(), timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) return found;
    for (int i = 0; i < list->cnt; ++i)
      if (const auto& entry = list->elems[i]; entry.err == RD_KAFKA_RESP_ERR_NO_ERROR && entry.offset >= 0)
        found[{entry.topic, entry.partition}] = entry.offset;
    return found;
  }

  // The first record of each of these logs; without those that do not come in time.
  std::map<std::pair<std::string, int>, uint64_t> origins(const std::vector<std::pair<std::string, int>>& logs, int timeout_ms) {
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    std::map<std::pair<std::string, int>, uint64_t> found;
    if (logs.empty()) return found;
    const Own<rd_kafka_error_t> refused(rd_kafka_incremental_assign(client_.get(), list_of(logs, 0).get()));
    if (refused) throw std::runtime_error(std::string("Kafka's logs cannot be looked at: ") + rd_kafka_error_string(refused.get()));
    std::vector<HeaderView> headers;
    while (found.size() < logs.size() && Clock::now() < deadline) {
      const Own<rd_kafka_message_t> message(rd_kafka_consumer_poll(client_.get(), std::min(left_ms(deadline), 100)));
      if (!message || message->err != RD_KAFKA_RESP_ERR_NO_ERROR || message->offset != 0) continue;
      const std::pair<std::string, int> log(rd_kafka_topic_name(message->rkt), message->partition);
      found[log] = origin_of(view_of(*message, headers));
      // A broker sends a batch beyond the limit for the first log of a request only: this one must make way for the next.
      const Own<rd_kafka_error_t> kept(rd_kafka_incremental_unassign(client_.get(), list_of({log}, 0).get()));
    }
    rd_kafka_assign(client_.get(), nullptr);
    return found;
  }

 private:
  static Own<rd_kafka_topic_partition_list_t> list_of(const std::vector<std::pair<std::string, int>>& logs, int64_t offset) {
    Own<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(static_cast<int>(logs.size())));
    for (const auto& [topic, partition] : logs)
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
    return list;
  }

  Own<rd_kafka_t> client_;
  std::vector<Own<rd_kafka_topic_t>> topics_;  // known to the client for as long as they are held
};

LogWatch::LogWatch(KafkaOptions options, std::vector<std::string> contexts)
    : options_(std::move(options)), contexts_(std::move(contexts)) {}
LogWatch::~LogWatch() = default;

LogWatch::Sight LogWatch::look(Client& client, int timeout_ms) const {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  Sight sight;
  std::vector<std::pair<std::string, int>> all;
  for (const auto& [topic, partitions] : client.partitions(timeout_ms)) {
    if (partitions == options_.partitions) continue;
    sight.wrong = partitions == 0
                      ? "topic " + topic + " is gone. Restore it, or begin anew: another --prefix, or no local state and no topics."
                      : "topic " + topic + " has " + std::to_string(partitions) + " partitions instead of " +
                            std::to_string(options_.partitions) +
                            ": ids would move to other logs. Restore it with as many as it had; the count of an installation never changes.";
    return sight;
  }
  for (const std::string& context : contexts_)
    for (int shard = 0; shard < options_.partitions; ++shard) all.emplace_back(event_topic(options_, context), shard);
  const auto begins = client.offsets(all, RD_KAFKA_OFFSET_BEGINNING, left_ms(deadline));
  const auto ends = client.offsets(all, RD_KAFKA_OFFSET_END, left_ms(deadline));
  std::erase_if(all, [&](const auto& log) { return !ends.contains(log) || ends.at(log) == 0 || !begins.contains(log) || begins.at(log) > 0; });
  const auto origins = client.origins(all, left_ms(deadline));
  for (const auto& [log, end] : ends)
    if (begins.contains(log))
      sight.logs[{context_of_topic(log.first), log.second}] = {begins.at(log), end, origins.contains(log) ? origins.at(log) : 0};
  return sight;
}

// What is known grows with what is seen, while nothing is wrong.
std::optional<std::string> LogWatch::change(const Sight& sight, std::map<LogId, Log>& known) const {
  if (sight.wrong) return sight.wrong;
  for (const auto& [id, log] : sight.logs) {
    const std::string topic = event_topic(options_, id.context);
    Log& before = known[id];
    if (log.begins_at > 0)
      return "log " + to_string(id) + " begins at offset " + std::to_string(log.begins_at) + ": somebody deleted its oldest records from topic " +
             topic + ", and its history cannot be folded any more. Restore the topic.";
    if (log.ends_at < before.ends_at)
      return another_history(topic, id, "it ends at offset " + std::to_string(log.ends_at) + ", and was read up to " + std::to_string(before.ends_at));
    if (log.origin != 0 && before.origin != 0 && log.origin != before.origin) return another_history(topic, id, "its first record is another");
    before.ends_at = log.ends_at;
    if (log.origin != 0) before.origin = log.origin;
  }
  return std::nullopt;
}

std::optional<std::string> LogWatch::refusal(const Positions& positions, const std::string& directory, int timeout_ms) const {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  std::map<LogId, Log> known;
  for (const auto& [id, position] : positions) known[id] = {0, position.offset, position.origin};
  Client client(options_, contexts_);
  std::optional<std::string> wrong;
  for (int looks = 0; Clock::now() < deadline;) {
    const Sight sight = look(client, std::min(look_timeout_ms, left_ms(deadline)));
    wrong = change(sight, known);
    const bool all_seen = std::all_of(positions.begin(), positions.end(), [&](const auto& entry) {
      const auto log = sight.logs.find(entry.first);
      return entry.second.offset == 0 || (log != sight.logs.end() && log->second.origin != 0);
    });
    if (!wrong && all_seen) return std::nullopt;
    if (wrong && ++looks == looks_until_sure) return *wrong + " If that was meant, delete " + directory + " and start again; it is read from the topic then.";
    if (wrong) std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  throw std::runtime_error("Kafka at " + options_.brokers + " does not show the first records of the logs in time" + (wrong ? ": " + *wrong : ""));
}

void LogWatch::start() {
  look_again();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    while (!stop.stop_requested()) {
      {
        std::unique_lock lock(mutex);
        stopped.wait_for(lock, stop, look_period, [] { return false; });
      }
      if (!stop.stop_requested()) look_again();
    }
  });
}

void LogWatch::look_again() {
  try {
    Client client(options_, contexts_);  // each time: one that lived through a topic's deletion does not read the next one
    const auto wrong = change(look(client, look_timeout_ms), known_);
    wrong_looks_ = wrong ? wrong_looks_ + 1 : 0;
    if (wrong_looks_ == looks_until_sure)
      fail(*wrong + " This program stops, so as not to mix two histories; starting it again says more.");
  } catch (const std::runtime_error&) {  // Kafka is away: whoever reads or writes says so
    wrong_looks_ = 0;
  }
}

}  // namespace everfold::kafka
