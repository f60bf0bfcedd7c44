#include "runtime/views/operations_log.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace everfold {
namespace {

constexpr int64_t look_again_ms = 50;  // whether the appender is in doubt

OutgoingRecord record_of(const StoredEvent& operation) {
  const EventMeta& meta = operation.meta;
  OutgoingRecord record{meta.aggregate_id,
                        operation.bytes,
                        {{"ce_specversion", "1.0"},
                         {"ce_id", meta.id},
                         {"ce_type", meta.type},
                         {"ce_source", "/everfold/" + meta.context},
                         {"ce_subject", meta.aggregate_id},
                         {"ce_time", format_time(meta.time_ms)},
                         {"content-type", "application/protobuf"},
                         {"ce_actor", meta.actor}}};
  if (!meta.correlation_id.empty()) record.headers.emplace_back("ce_correlationid", meta.correlation_id);
  return record;
}

}  // namespace

OperationsLog::OperationsLog(std::unique_ptr<LogSource> source, std::unique_ptr<LogAppender> appender,
                             std::function<int64_t()> now_ms)
    : source_(std::move(source)), appender_(std::move(appender)), now_ms_(std::move(now_ms)) {
  source_->assign({{{operations_context, 0}, 0}});
}

void OperationsLog::append(const StoredEvent& operation, int timeout_ms) {
  const std::lock_guard lock(mutex_);
  const int64_t deadline_ms = now_ms_() + timeout_ms;
  if (ids_.contains(operation.meta.id)) return;
  appender_->append({operations_context, 0}, record_of(operation));
  while (!ids_.contains(operation.meta.id)) {
    if (appender_->in_doubt() || now_ms_() >= deadline_ms) {
      appender_->new_session();  // what is still on its way must not arrive long after it was given up
      throw std::runtime_error("Kafka did not take " + operation.meta.type + " of view " + operation.meta.aggregate_id +
                               " into the operations log within " + std::to_string(timeout_ms) + " ms");
    }
    read(deadline_ms);
  }
}

std::vector<StoredEvent> OperationsLog::all(int timeout_ms) {
  const std::lock_guard lock(mutex_);
  const int64_t deadline_ms = now_ms_() + timeout_ms;
  const int64_t end = source_->end_positions(timeout_ms).front().offset;
  while (next_offset_ < end) {
    if (now_ms_() >= deadline_ms)
      throw std::runtime_error("the end of the operations log was not reached within " + std::to_string(timeout_ms) +
                               " ms");
    read(deadline_ms);
  }
  return operations_;
}

void OperationsLog::read(int64_t deadline_ms) {
  const int64_t wait_ms = std::clamp<int64_t>(deadline_ms - now_ms_(), 0, look_again_ms);
  source_->poll(static_cast<int>(wait_ms), [this](std::size_t, const RecordView& record) {
    next_offset_ = record.offset + 1;
    const std::string_view id = record.header("ce_id");
    if (id.empty()) return;  // not one of ours
    if (ids_.emplace(id).second) operations_.push_back(event_of(record, operations_context));
  });
}

}  // namespace everfold
