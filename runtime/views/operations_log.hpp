// What operators did to the views, as events of who and when, in one log of their own that all programs of an
// installation share. Over ports, as everything here: Kafka's side is platform/kafka/operations_log.hpp, in memory it
// is this over MemoryLogs; both pass tests/contract/operations_log_contract_test.cpp.
//
// Append before you begin something or move a pointer, and after you have finished. A crash in between leaves an event of
// what was not done, or not to its end, and never something done without one: where a view stands is told by the view,
// and this tells who wanted it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "kernel/codec.hpp"
#include "runtime/log/event_log.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold {

inline constexpr const char* operations_context = "operations";  // its log: partition 0 of <prefix>.operations

struct DoneBy {
  std::string id;       // of the event: the same id is noted once, however often it is appended
  std::string actor;    // the token's subject; the program's name for what it does by itself
  int64_t time_ms = 0;  // since 1970
  std::string correlation_id;
};

// `Message`: of schemas/operations/v1.
template <class Message>
StoredEvent operation(const Message& message, DoneBy by) {
  StoredEvent event;
  event.bytes = bytes_of(message);
  event.meta.context = operations_context;
  event.meta.aggregate_id = message.view();
  event.meta.id = std::move(by.id);
  event.meta.type = type_of<Message>();
  event.meta.time_ms = by.time_ms;
  event.meta.correlation_id = std::move(by.correlation_id);
  event.meta.actor = std::move(by.actor);
  return event;
}

class OperationsLog {
 public:
  // `now_ms`: a monotonic clock, for the deadlines.
  OperationsLog(std::unique_ptr<LogSource> source, std::unique_ptr<LogAppender> appender,
                std::function<int64_t()> now_ms);

  // From any thread, one after another. Returns when the log has it: it was read back. Throws std::runtime_error when
  // it was not within the timeout: it may be in the log or not, and may be appended again with the same id.
  void append(const StoredEvent& operation, int timeout_ms);

  // All that the log has now, oldest first. Throws std::runtime_error when its end is not reached within the timeout.
  std::vector<StoredEvent> all(int timeout_ms);

 private:
  void read(int64_t deadline_ms);

  const std::unique_ptr<LogSource> source_;
  const std::unique_ptr<LogAppender> appender_;
  const std::function<int64_t()> now_ms_;
  std::mutex mutex_;
  std::vector<StoredEvent> operations_;
  std::unordered_set<std::string> ids_;
  int64_t next_offset_ = 0;
};

}  // namespace everfold
