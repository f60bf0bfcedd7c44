#include "tests/simulator/history.hpp"

#include <cstdio>

#include "tests/simulator/ledger.hpp"

namespace everfold::simulator {
namespace {

struct Mark {
  long long term = 0, commit = 0;
  int part = 0, parts = 0;
};

// "3.1042.1/2"
bool read_mark(const RecordView& record, Mark& mark) {
  if (record.headers.empty() || record.headers[0].first != "ce_log") return false;
  const std::string text(record.headers[0].second);
  return std::sscanf(text.c_str(), "%lld.%lld.%d/%d", &mark.term, &mark.commit, &mark.part, &mark.parts) == 4;
}

std::string text_of(const StoredEvent& event) {
  return event.meta.id + " (" + event.meta.type + ", version " + std::to_string(event.meta.version) + " of " +
         event.meta.context + " " + event.meta.aggregate_id + ")";
}

}  // namespace

AcceptedHistory::AcceptedHistory(const Kafka& kafka) {
  for (const auto& [log, partition] : kafka.partitions(Topic::events)) read(partition);
}

// The table of docs/log-format.md, "Reading", row by row.
void AcceptedHistory::read(const Partition& partition) {
  int64_t term = 0, next = 1;
  bool gap = false;
  std::unique_ptr<AcceptedCommit> collecting;
  int parts = 0;
  for (std::size_t offset = 0; offset < partition.records.size(); ++offset) {
    const RecordView record = partition.records[offset]->at(static_cast<int64_t>(offset));
    Mark mark;
    if (!read_mark(record, mark)) {
      const auto started = term_started_of(record);
      if (!started || started->term <= term) continue;
      term = started->term;
      next = 1;
      gap = false;
      collecting.reset();
      continue;
    }
    ++void_records;
    if (mark.term != term || gap || mark.commit < next) continue;
    const int wanted = collecting ? static_cast<int>(collecting->events.size()) + 1 : 1;
    if (mark.commit > next || mark.part != wanted || (collecting && mark.parts != parts)) {
      gap = true;
      collecting.reset();
      continue;
    }
    --void_records;
    if (!collecting) collecting = std::make_unique<AcceptedCommit>();
    parts = mark.parts;
    collecting->events.push_back(event_of(record, partition.log.context));
    if (mark.part < mark.parts) continue;
    collecting->log = partition.log;
    collecting->end_offset = static_cast<int64_t>(offset) + 1;
    collecting->visible_ms = partition.visible_ms.at(offset);
    collecting->visible_step = partition.visible_step.at(offset);
    add(std::move(collecting));
    ++next;
  }
  terms[partition.log] = term;
}

// One command, one aggregate, versions and ids without gaps, each once.
void AcceptedHistory::add(std::unique_ptr<AcceptedCommit> commit) {
  const EventMeta& first = commit->events.front().meta;
  auto& commits_of_aggregate = by_aggregate[{first.context, first.aggregate_id}];
  int64_t version = commits_of_aggregate.empty() ? 0 : commits_of_aggregate.back()->events.back().meta.version;
  int place = 0;
  for (const StoredEvent& event : commit->events) {
    if (event.meta.version != ++version)
      throw Violation{"versions have a hole or a double before event " + text_of(event) + " in " + to_string(commit->log)};
    if (event.meta.aggregate_id != first.aggregate_id || event.meta.causation_id != first.causation_id)
      throw Violation{"a commit mixes aggregates or commands at event " + text_of(event)};
    if (event.meta.id != first.causation_id + "." + std::to_string(++place))
      throw Violation{"event " + text_of(event) + " has not the id that its command and place give it"};
  }
  if (!by_command.emplace(first.causation_id, commit.get()).second)
    throw Violation{"command " + first.causation_id + " took effect twice, the second time by " + text_of(commit->events.front())};
  commits_of_aggregate.push_back(commit.get());
  commits.push_back(std::move(commit));
}

}  // namespace everfold::simulator
