#include "runtime/log/log_tail.hpp"

#include <utility>

namespace everfold {

TailStep LogTail::feed(const RecordView& record) {
  if (record.offset == 0) reader_.begin(origin_of(record));
  if (const auto mark = log_mark_of(record)) {
    const Verdict verdict = reader_.feed_event(record.offset, *mark);
    TailStep step{verdict, std::nullopt, std::nullopt};
    if (verdict == Verdict::collecting || verdict == Verdict::accepted) {
      if (mark->part == 1) count_ = 0;
      if (count_ == collected_.size()) collected_.emplace_back();
      read_event(record, log_.context, collected_[count_++]);
    }
    if (verdict == Verdict::accepted) step.commit = take(*mark);
    return step;
  }
  auto term = term_started_of(record);
  // A record that is neither is nobody's: as void as a fenced one.
  const Verdict verdict = term ? reader_.feed_term(record.offset, term->term) : reader_.feed_event(record.offset, LogMark{});
  return {verdict, std::move(term), std::nullopt};
}

Commit LogTail::take(const LogMark& mark) {
  std::vector<StoredEvent> next;
  if (!spare_.empty()) {
    next = std::move(spare_.back());
    spare_.pop_back();
  }
  collected_.resize(std::exchange(count_, 0));
  return {mark, std::exchange(collected_, std::move(next))};
}

}  // namespace everfold
