// log_verdicts BROKERS PREFIX CONTEXT SHARD: what our own reader makes of a log. A line a record up to the log's present end, its
// offset and the verdict; behind "accepted" the offset and ce_id of each event of the commit.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "kernel/check.hpp"
#include "platform/kafka/log_source.hpp"
#include "runtime/log/log_tail.hpp"

namespace everfold {
namespace {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::term_started: return "term started";
    case Verdict::ignored: return "ignored";
    case Verdict::collecting: return "collecting";
    case Verdict::accepted: return "accepted";
    case Verdict::fenced: return "fenced";
    case Verdict::duplicate: return "duplicate";
    case Verdict::gap: return "gap";
  }
  fail("a verdict without a name");
}

void print_verdicts(const kafka::KafkaOptions& options, const LogId& log) {
  const auto warn = [](std::string_view sentence) { std::cerr << sentence << '\n'; };
  const auto source = kafka::make_log_source(options, kafka::Reading::bulk, warn);
  const int64_t end = source->end_offset(log, 10'000);
  LogTail tail(log, {});
  source->assign({{log, 0}});
  while (tail.reader().next_offset() < end) {
    source->poll(1'000, [&](std::size_t, const RecordView& record) {
      const TailStep step = tail.feed(record);
      std::cout << record.offset << ' ' << name_of(step.verdict);
      if (step.commit)
        for (const StoredEvent& event : step.commit->events) std::cout << ' ' << event.offset << ' ' << event.meta.id;
      std::cout << '\n';
    });
  }
}

}  // namespace
}  // namespace everfold

int main(int argc, char** argv) {
  everfold::check(argc == 5, "usage: log_verdicts BROKERS PREFIX CONTEXT SHARD");
  everfold::kafka::KafkaOptions options;
  options.brokers = argv[1];
  options.prefix = argv[2];
  everfold::print_verdicts(options, {argv[3], std::atoi(argv[4])});
}
