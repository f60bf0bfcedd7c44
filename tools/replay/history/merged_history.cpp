#include "tools/replay/history/merged_history.hpp"

#include <algorithm>

namespace everfold::replay {
namespace {

constexpr int ends_timeout_ms = 30'000;
constexpr int poll_ms = 50;

}  // namespace

MergedHistory::MergedHistory(const std::vector<LogId>& logs, LogSource& source, Order order, std::size_t read_ahead)
    : source_(source), order_(order), read_ahead_(read_ahead) {
  for (const LogId& log : logs) logs_.push_back({LogTail(log, {})});
  go_on();
}

void MergedHistory::go_on() {
  assign([](const Log&) { return true; });
  const std::vector<WantedPosition> ends = source_.end_positions(ends_timeout_ms);
  records_total_ = 0;
  for (std::size_t i = 0; i < logs_.size(); ++i) records_total_ += logs_[i].end = ends[i].offset;
}

void MergedHistory::assign(bool (*wanted)(const Log&)) {
  std::vector<std::pair<LogId, int64_t>> list;
  assigned_.clear();
  for (Log& log : logs_) {
    log.reading = wanted(log);
    if (!log.reading) continue;
    assigned_.push_back(&log);
    list.emplace_back(log.tail.log(), log.tail.reader().next_offset());
  }
  source_.assign(std::move(list));
}

void MergedHistory::poll() {
  source_.poll(poll_ms, [this](std::size_t place, const RecordView& record) {
    Log& log = *assigned_[place];
    if (log.ended() || record.offset < log.tail.reader().next_offset())
      return;  // written since; of an earlier assignment
    ++records_read_;
    TailStep step = log.tail.feed(record);
    if (!step.commit) return;
    log.ahead.push_back(std::move(*step.commit));
    ++held_;
  });
}

// Once too much is held, those that have enough are left alone until the others have caught up.
void MergedHistory::read_the_right_ones() {
  const auto unknown = [](const Log& log) { return log.ahead.empty() && !log.ended(); };
  const auto any = [this](auto which) { return std::ranges::any_of(logs_, which); };
  if (held_ > read_ahead_ && any([&](const Log& log) { return log.reading && !unknown(log); }))
    assign(unknown);
  else if (any([&](const Log& log) { return !log.reading && unknown(log); }))
    assign(held_ > read_ahead_ ? +unknown : +[](const Log& log) { return !log.ended(); });
}

bool MergedHistory::some_log_is_unknown() const {
  return std::ranges::any_of(logs_, [](const Log& log) { return log.ahead.empty() && !log.ended(); });
}

// As it comes: any log that has some.
MergedHistory::Log* MergedHistory::oldest() {
  Log* found = nullptr;
  for (Log& log : logs_) {
    if (log.ahead.empty()) continue;
    if (order_ == Order::as_it_comes) return &log;
    const auto time_of = [](const Log& each) { return each.ahead.front().events.front().meta.time_ms; };
    if (!found || time_of(log) < time_of(*found)) found = &log;
  }
  return found;
}

std::optional<MergedHistory::Next> MergedHistory::next(const std::stop_token& stop) {
  const auto must_read = [this] {
    return order_ == Order::as_it_comes ? held_ == 0 && some_log_is_unknown() : some_log_is_unknown();
  };
  while (must_read() && !stop.stop_requested()) {
    read_the_right_ones();
    poll();
  }
  if (stop.stop_requested()) return std::nullopt;
  Log* log = oldest();
  if (!log) return std::nullopt;
  Next next{log->tail.log(), log->tail.position().origin, std::move(log->ahead.front())};
  log->ahead.pop_front();
  --held_;
  return next;
}

std::vector<std::pair<LogId, LogPosition>> MergedHistory::positions() const {
  std::vector<std::pair<LogId, LogPosition>> positions;
  for (const Log& log : logs_) positions.emplace_back(log.tail.log(), log.tail.position());
  return positions;
}

}  // namespace everfold::replay
