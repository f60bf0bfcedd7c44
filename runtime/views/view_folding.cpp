#include "runtime/views/view_folding.hpp"

#include <stdexcept>
#include <utility>

namespace everfold {
namespace {

constexpr int end_offset_timeout_ms = 5'000;

}  // namespace

bool BuildTurn::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (!free_.wait(lock, stop, [&] { return !taken_; })) return false;
  taken_ = true;
  return true;
}

void BuildTurn::pass() {
  const std::lock_guard lock(mutex_);
  taken_ = false;
  free_.notify_one();
}

std::vector<int64_t> learn_ends(LogSource& source, const std::vector<LogId>& logs, const ViewPorts& ports,
                                const std::stop_token& stop) {
  std::vector<int64_t> ends(logs.size(), 0);
  for (std::size_t i = 0; i < logs.size() && !stop.stop_requested();) {
    try {
      ends[i] = source.end_offset(logs[i], end_offset_timeout_ms);
      ++i;
    } catch (const std::runtime_error& error) {
      ports.warn(error.what());
    }
  }
  return ends;
}

void require_same_logs(const std::vector<std::pair<LogId, LogPosition>>& positions, const ViewPorts& ports,
                       const std::stop_token& stop) {
  for (bool known = false; !known && !stop.stop_requested();) {
    std::optional<std::string> refusal;
    try {
      refusal = ports.refusal(positions);
      known = true;
    } catch (const std::runtime_error& error) {
      ports.warn(error.what());
    }
    if (refusal) throw std::runtime_error(*refusal);
  }
}

ViewFolding::ViewFolding(View& view, ViewStore& store, const std::vector<LogId>& logs,
                         std::unique_ptr<LogSource> source, const ViewPorts& ports, const ProjectorSettings& settings)
    : ports_(ports), settings_(settings), fold_(view, store, logs), source_(std::move(source)) {
  source_->assign(fold_.positions());
}

void ViewFolding::stop_at(std::vector<int64_t> offsets) { stop_at_ = std::move(offsets); }

void ViewFolding::take(std::size_t log, const RecordView& record) {
  if (stop_at_.empty() || record.offset < stop_at_[log]) fold_.take(log, record);
}

std::size_t ViewFolding::step() {
  const bool waiting = fold_.unwritten_records() > 0;
  const std::size_t records = source_->poll(waiting ? 0 : settings_.poll_ms,
                                            [&](std::size_t log, const RecordView& record) { take(log, record); });
  if (!waiting) batch_started_ms_ = ports_.now_ms();
  std::size_t events = 0;
  if (records > 0) {
    events = fold_.fold();
    for (const std::string& why : fold_.newly_parked()) ports_.warn(why);
  }
  if (records == 0 || fold_.unwritten_records() >= settings_.batch_records ||
      ports_.now_ms() - batch_started_ms_ >= settings_.batch_ms)
    fold_.write();
  return events;
}

}  // namespace everfold
