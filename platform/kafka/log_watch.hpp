// Are the logs still those that this program has read? A topic that was deleted and made anew, restored from an older backup, cut at
// its beginning or spread over another number of partitions holds another history than what the local state was folded from, and Kafka
// says nothing of it once the new log has grown past a saved position. So a position remembers its log's first record (LogPosition's
// origin), and this looks after all of them, at the start and every few seconds.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernel/log_reader.hpp"
#include "platform/kafka/options.hpp"

namespace everfold::kafka {

using Positions = std::vector<std::pair<LogId, LogPosition>>;

class LogWatch {
 public:
  // `contexts`: whose event and command topics.
  LogWatch(KafkaOptions options, std::vector<std::string> contexts);
  ~LogWatch();

  // Why local state in `directory`, which stands at `positions`, must not be used with these logs, and what to do; nothing: it may. From
  // any thread. Throws std::runtime_error when Kafka does not say within `timeout_ms`.
  std::optional<std::string> refusal(const Positions& positions, const std::string& directory, int timeout_ms) const;

  // Looks, and again and again in a thread of its own, until it is destroyed. What is wrong three times running, 3 s apart (a broker that has
  // just started may know less than it will), ends the program with a sentence.
  void start();

 private:
  class Client;
  struct Log {
    int64_t begins_at = 0;
    int64_t ends_at = 0;
    uint64_t origin = 0;  // 0: it is empty, or could not be read this time
  };
  struct Sight {
    std::optional<std::string> wrong;  // with the topics
    std::map<LogId, Log> logs;         // those that could be asked
  };
  Sight look(Client& client, int timeout_ms) const;
  void look_again();
  std::optional<std::string> change(const Sight& sight, std::map<LogId, Log>& known) const;

  const KafkaOptions options_;
  const std::vector<std::string> contexts_;
  std::map<LogId, Log> known_;
  int wrong_looks_ = 0;
  std::jthread thread_;
};

}  // namespace everfold::kafka
