#include "runtime/log_tail.hpp"

#include <utility>

namespace everfold {

TailStep LogTail::feed(const RecordView& record) {
  if (const auto mark = log_mark_of(record)) {
    const Verdict verdict = reader_.feed_event(record.offset, *mark);
    TailStep step{verdict, std::nullopt, std::nullopt};
    if (verdict == Verdict::collecting || verdict == Verdict::accepted) {
      if (mark->part == 1) collected_.clear();
      collected_.push_back(event_of(record, log_.context));
    }
    if (verdict == Verdict::accepted) step.commit = Commit{*mark, std::exchange(collected_, {})};
    return step;
  }
  auto term = term_started_of(record);
  // A record that is neither is nobody's: as void as a fenced one.
  const Verdict verdict = term ? reader_.feed_term(record.offset, term->term) : reader_.feed_event(record.offset, LogMark{});
  return {verdict, std::move(term), std::nullopt};
}

}  // namespace everfold
