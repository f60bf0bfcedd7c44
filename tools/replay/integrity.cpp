#include "tools/replay/integrity.hpp"

#include <algorithm>

#include "kernel/ids.hpp"
#include "kernel/shard.hpp"

namespace everfold::replay {
namespace {

constexpr int64_t checked = 2;  // of a command; 1 is known

std::string described(const EventMeta& meta) {
  return std::string(short_type(meta.type)) + " (version " + std::to_string(meta.version) + " of " + meta.aggregate_id +
         ")";
}

}  // namespace

void Integrity::find(std::string_view kind, const LogId& log, int64_t offset, std::string says, bool in_commands) {
  ++figures_.findings;
  report_({kind, log, offset, in_commands, std::move(says)});
}

void Integrity::give_up_collected(OfLog& log) {
  if (log.collecting > 0) figures_.void_records["half a commit"] += log.collecting;
  log.collecting = 0;
}

void Integrity::see(const LogId& log, const RecordView& record, const TailStep& step) {
  OfLog& of_log = logs_[log];
  switch (step.verdict) {
    case Verdict::term_started:
      ++figures_.terms;
      return give_up_collected(of_log);
    case Verdict::ignored:
      ++figures_.void_records["TermStarted of an old term"];
      return;
    case Verdict::collecting:
      ++of_log.collecting;
      return;
    case Verdict::accepted:
      of_log.collecting = 0;
      return;
    case Verdict::fenced:
      ++figures_.void_records[log_mark_of(record) ? "fenced" : "nobody's"];
      return;
    case Verdict::duplicate:
      ++figures_.void_records["duplicate"];
      return;
    case Verdict::gap:
      ++figures_.void_records["gap"];
      return give_up_collected(of_log);
  }
}

void Integrity::see(const LogId& log, const Commit& commit) {
  ++figures_.commits;
  std::size_t place = 0;
  for (const StoredEvent& event : commit.events) {
    ++figures_.events;
    check_ids(log, event, ++place);
    check_versions(log, event);
    check_cause(log, event);
    if (!reader_.read(log.context, event.meta.type, event.bytes))
      find("type", log, event.offset,
           event.meta.type + " of " + event.meta.aggregate_id + " cannot be decoded by this version of Everfold");
    const auto partitions = partitions_.find(log.context);
    if (partitions != partitions_.end() && shard_of(event.meta.aggregate_id, partitions->second) != log.shard)
      find("shard", log, event.offset,
           "aggregate " + event.meta.aggregate_id + " belongs to shard " +
               std::to_string(shard_of(event.meta.aggregate_id, partitions->second)));
  }
  check_times(log, commit);
}

void Integrity::check_ids(const LogId& log, const StoredEvent& event, std::size_t place) {
  const EventMeta& meta = event.meta;
  if (!events_.insert(meta.id))
    find("duplicate", log, event.offset, "event id " + meta.id + " was there before: " + described(meta));
  if (!meta.causation_id.empty() && meta.id != event_id(meta.causation_id, place))
    find("id", log, event.offset,
         "event id " + meta.id + " should be " + event_id(meta.causation_id, place) +
             ", from its command's: " + described(meta));
}

void Integrity::check_versions(const LogId& log, const StoredEvent& event) {
  const EventMeta& meta = event.meta;
  int64_t& last = versions_[log.context + '/' + meta.aggregate_id];
  if (meta.version != last + 1)
    find("version", log, event.offset,
         described(meta) + " follows " + (last == 0 ? "nothing" : "version " + std::to_string(last)) +
             " and should be version " + std::to_string(last + 1));
  last = meta.version;
}

void Integrity::check_cause(const LogId& log, const StoredEvent& event) {
  const EventMeta& meta = event.meta;
  if (meta.causation_id.empty())
    find("causation", log, event.offset, described(meta) + " names no command that caused it");
  else if (commands_.contains(meta.causation_id))
    ++figures_.by_topic;
  else if (meta.actor == "process:" + log.context)
    ++figures_.by_deadlines;
  else if (!meta.actor.starts_with("translator:") && !meta.actor.starts_with("process:"))
    ++figures_.by_clients;
  else if (!all_commands_known_ || event.copied)  // its command lies where it was copied from
    ++figures_.unknown_origin;
  else
    find("causation", log, event.offset,
         described(meta) + " was caused by command " + meta.causation_id + " of " + meta.actor +
             ", which is not in the command topic");
}

// Wall clocks of several nodes may disagree, so times of a log may go back: counted. But a command has one time.
void Integrity::check_times(const LogId& log, const Commit& commit) {
  const int64_t time_ms = commit.events.front().meta.time_ms;
  for (const StoredEvent& event : commit.events) {
    if (event.meta.time_ms == 0) find("time", log, event.offset, described(event.meta) + " has no time");
    if (event.meta.time_ms != time_ms)
      find("time", log, event.offset,
           described(event.meta) + " is of " + format_time(event.meta.time_ms) +
               " and the first event of its command of " + format_time(time_ms));
  }
  OfLog& of_log = logs_[log];
  if (time_ms < of_log.latest_ms) {
    ++figures_.backwards;
    figures_.most_backwards_ms = std::max(figures_.most_backwards_ms, of_log.latest_ms - time_ms);
  }
  of_log.latest_ms = std::max(of_log.latest_ms, time_ms);
}

void Integrity::logs_read() {
  for (const auto& [id, log] : logs_) figures_.unfinished += log.collecting;
}

void Integrity::check(const LogId& log, int64_t offset, const Command& command) {
  const CommandMeta& meta = command.meta;
  int64_t& seen = commands_[meta.id];
  if (seen == checked) {
    ++figures_.resent_commands;
    return;
  }
  seen = checked;
  if (meta.causation_id.empty()) return;  // somebody sent it by hand
  ++figures_.caused_commands;
  if (!events_.contains(meta.causation_id))
    find("causation", log, offset,
         std::string(short_type(command.type)) + " to " + meta.aggregate_id + " was caused by event " +
             meta.causation_id + ", which is in no log",
         true);
}

Integrity::Figures Integrity::figures() const {
  Figures figures = figures_;
  figures.aggregates = static_cast<int64_t>(versions_.size());
  figures.table_bytes = commands_.bytes() + events_.bytes() + versions_.bytes();
  return figures;
}

}  // namespace everfold::replay
