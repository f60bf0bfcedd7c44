// The ports to the logs: a source to read records from and an appender to write them. Kafka's are in platform/kafka/, in-memory
// ones in runtime/log/memory_log.hpp; both pass tests/contract/event_log_contract_test.cpp.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold {

// One partition of one context's event topic.
struct LogId {
  std::string context;
  int shard = 0;
  auto operator<=>(const LogId&) const = default;
};
std::string to_string(const LogId& log);  // "orders.3"

// Every event of `log` before `offset` counts.
struct WantedPosition {
  LogId log;
  int64_t offset = 0;
  bool operator==(const WantedPosition&) const = default;
};

using HeaderView = std::pair<std::string_view, std::string_view>;

// Valid until the sink returns.
struct RecordView {
  int64_t offset = 0;
  std::string_view key;
  std::string_view value;
  std::span<const HeaderView> headers;

  std::string_view header(std::string_view name) const;  // "" when absent
};

class LogSource {
 public:
  using Sink = std::function<void(std::size_t log, const RecordView& record)>;  // `log`: its index in assign()'s list

  virtual ~LogSource() = default;
  // Reads these logs from these offsets on, and no others.
  virtual void assign(std::vector<std::pair<LogId, int64_t>> logs) = 0;
  // Hands over what is there, in log order within a log; waits up to `timeout_ms` for the first record or a wake().
  // Returns the number of records. Ends the program when a log has lost records that were asked for.
  virtual std::size_t poll(int timeout_ms, const Sink& sink) = 0;
  // The offset that the next record will get; of a log that is being read, as it was up to half a second ago. Throws
  // std::runtime_error when that cannot be learnt within the timeout.
  virtual int64_t end_offset(const LogId& log, int timeout_ms) = 0;
  // The same of every log that is being read, asked of the brokers and as it is now. From any thread. Throws likewise.
  virtual std::vector<WantedPosition> end_positions(int timeout_ms) = 0;
  // From any thread: a waiting poll() returns.
  virtual void wake() = 0;
};

struct OutgoingRecord {
  std::string key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;  // in this order
};

// A session writes every record in the order of append(), or is in doubt and writes none after the first that failed.
class LogAppender {
 public:
  virtual ~LogAppender() = default;
  virtual void append(const LogId& log, OutgoingRecord record) = 0;
  // A record may be lost, or Kafka cannot say: nothing of this session is certain any more.
  virtual bool in_doubt() = 0;
  // Gives up the session and what is still in it, and starts another.
  virtual void new_session() = 0;
  // Records appended and not yet acknowledged.
  virtual std::size_t in_flight() const = 0;
};

}  // namespace everfold
