#include "tools/replay/history/history.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "kernel/shard.hpp"

namespace everfold::replay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int metadata_timeout_ms = 15'000;
constexpr int poll_ms = 100;
constexpr std::chrono::seconds patience{30};  // with a Kafka that delivers nothing
// Fewer records are there as fast without a gigabyte of read-ahead.
constexpr int64_t few_records = 100'000;

Bounds bounds_of(const Wanted& wanted, const LogId& log) {
  Bounds bounds;
  bounds.from_ms = wanted.from_ms.value_or(beginning_of_time_ms);
  bounds.to_ms = wanted.to_ms.value_or(end_of_time_ms);
  if (const auto given = wanted.offsets.find(log); given != wanted.offsets.end())
    std::tie(bounds.from_offset, bounds.to_offset) = given->second;
  return bounds;
}

void begin_at(const LogPosition& begin, std::vector<Segment>& segments) {
  std::erase_if(segments, [&](const Segment& segment) { return segment.until <= begin.offset; });
  if (!segments.empty() && segments.front().from.offset < begin.offset) segments.front().from = begin;
}

}  // namespace

struct History::Log {
  LogId id;
  Bounds bounds;
  int64_t end = 0;
  bool has_file = false;  // bookmarks were loaded
  Bookmarks marks;        // known before, and what is learnt now
  bool noting = true;     // what is learnt: not where something between it and what is known is left out
  std::size_t known = 0;  // blocks before
  std::vector<Segment> segments;

  // Of the segment that is being read.
  std::optional<LogTail> tail;
  int64_t until = 0;
  bool done() const { return tail->reader().next_offset() >= until; }
};

History::History(kafka::KafkaOptions options, std::vector<std::string> contexts, std::string cache_dir)
    : History(Ports{[options, contexts] {
                      auto partitions = kafka::event_partitions(options, contexts, metadata_timeout_ms);
                      if (partitions.empty())
                        throw std::runtime_error("there are no event topics " + options.prefix + ".*.events at " +
                                                 options.brokers + ": another --prefix or --brokers?");
                      return partitions;
                    },
                    [options](const std::vector<LogId>& logs) {
                      return kafka::extents(options, kafka::Topics::events, logs, metadata_timeout_ms);
                    },
                    [options](kafka::Reading reading) { return kafka::make_log_source(options, reading, note); }},
              std::move(cache_dir), options.prefix) {}

History::History(Ports ports, std::string cache_dir, std::string installation, int64_t block_records)
    : ports_(std::move(ports)), files_(std::move(cache_dir), installation), block_records_(block_records) {}

const std::map<std::string, int>& History::partitions() {
  if (!partitions_) partitions_ = ports_.partitions();
  return *partitions_;
}

std::vector<LogId> History::logs() {
  std::vector<LogId> logs;
  for (const auto& [context, count] : partitions())
    for (int shard = 0; shard < count; ++shard) logs.push_back({context, shard});
  return logs;
}

std::vector<LogId> History::logs_of(const std::string& aggregate_id) {
  std::vector<LogId> logs;
  for (const auto& [context, count] : partitions()) logs.push_back({context, shard_of(aggregate_id, count)});
  return logs;
}

std::vector<History::Log> History::wanted_logs(const Wanted& wanted) {
  for (const std::string& context : wanted.contexts)
    if (!partitions().contains(context))
      throw std::runtime_error("there is no context " + context + " here: it has no event topic");
  std::vector<Log> logs;
  for (const LogId& id : wanted.aggregate ? logs_of(*wanted.aggregate) : this->logs()) {
    const auto& contexts = wanted.contexts;
    if (!contexts.empty() && std::find(contexts.begin(), contexts.end(), id.context) == contexts.end()) continue;
    Log log;
    log.id = id;
    log.bounds = bounds_of(wanted, id);
    if (log.bounds.from_offset < log.bounds.to_offset && log.bounds.from_ms < log.bounds.to_ms)
      logs.push_back(std::move(log));
  }
  return logs;
}

void History::learn_ends(std::vector<Log>& logs) const {
  std::vector<LogId> ids;
  for (const Log& log : logs) ids.push_back(log.id);
  const auto extents = ports_.extents(ids);
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (extents[i].begin > 0)
      throw std::runtime_error(
          "log " + to_string(ids[i]) + " begins at offset " + std::to_string(extents[i].begin) +
          ": somebody deleted its oldest records, and what follows cannot be read by the rules. Restore the topic");
    logs[i].end = extents[i].end;
  }
}

void History::open_bookmarks(std::vector<Log>& logs) {
  for (Log& log : logs) {
    log.marks = Bookmarks(block_records_);
    if (!log.bounds.need_bookmarks()) continue;  // read from its beginning, and noted anew
    std::string damage;
    if (auto known = files_.load(log.id, damage, block_records_)) {
      log.marks = *std::move(known);
      log.has_file = log.marks.known_until() > 0;
    }
    if (!damage.empty()) note(damage);
  }
}

// Kafka may have lost a log's end, or somebody made the topic anew: then the record that was last known is not there
// any more.
void History::discard_foreign(std::vector<Log>& logs) {
  const auto discard = [&](Log& log) {
    note("log " + to_string(log.id) + " is not the one that the bookmarks are of; it is read from its beginning");
    log.marks = Bookmarks(block_records_);
    log.has_file = false;
  };
  std::vector<Log*> asked;
  std::vector<std::pair<LogId, int64_t>> last_known;
  for (Log& log : logs) {
    if (!log.has_file) continue;
    if (log.marks.known_until() > log.end) {
      discard(log);
      continue;
    }
    asked.push_back(&log);
    last_known.emplace_back(log.id, log.marks.known_until() - 1);
  }
  if (asked.empty()) return;
  const auto digests = digests_of(last_known);
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (digests[i] != asked[i]->marks.last_record()) discard(*asked[i]);
}

// Each of another log; they must be there.
std::vector<uint64_t> History::digests_of(const std::vector<std::pair<LogId, int64_t>>& records) const {
  const auto source = ports_.source(kafka::Reading::low_latency);
  source->assign(records);
  std::vector<uint64_t> digests(records.size(), 0);
  std::size_t open = records.size();
  const auto deadline = Clock::now() + patience;
  while (open > 0) {
    if (Clock::now() > deadline)
      throw std::runtime_error("Kafka does not deliver records by which logs are known again within 30 s");
    source->poll(poll_ms, [&](std::size_t i, const RecordView& record) {
      if (record.offset != records[i].second) return;
      digests[i] = origin_of(record);
      --open;
    });
  }
  return digests;
}

LogPosition History::behind(const LogId& log, const Commit& commit) const {
  return {commit.events.back().offset + 1, commit.mark.term, commit.mark.commit + 1, origins_.at(log)};
}

std::optional<std::string> History::foreign(const std::map<LogId, LogPosition>& positions) {
  std::vector<LogId> ids;
  std::vector<std::pair<LogId, int64_t>> firsts;
  const auto there = logs();
  for (const auto& [log, position] : positions) {
    if (std::find(there.begin(), there.end(), log) == there.end()) return "log " + to_string(log) + " is gone";
    ids.push_back(log);
    firsts.emplace_back(log, 0);
  }
  if (ids.empty()) return std::nullopt;
  const auto extents = ports_.extents(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (extents[i].begin > 0) return std::nullopt;  // read() says what that means
    if (extents[i].end < positions.at(ids[i]).offset)
      return "log " + to_string(ids[i]) + " ends at offset " + std::to_string(extents[i].end) + ", before offset " +
             std::to_string(positions.at(ids[i]).offset) + " up to which it was read";
  }
  const auto origins = digests_of(firsts);
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (origins[i] != positions.at(ids[i]).origin)
      return "log " + to_string(ids[i]) + " is another one than was read: its first record is not the same";
  return std::nullopt;
}

void History::read(const Wanted& wanted, const Sink& sink, const std::stop_token& stop, ProgressLine* progress) {
  std::vector<Log> logs = wanted_logs(wanted);
  learn_ends(logs);
  open_bookmarks(logs);
  discard_foreign(logs);
  std::size_t rounds = 0;
  int64_t total = 0;
  for (Log& log : logs) {
    log.known = log.marks.blocks();
    log.segments = log.marks.segments(log.bounds, wanted.follow ? end_of_log : log.end);
    if (const auto begin = wanted.begin.find(log.id); begin != wanted.begin.end()) {
      log.noting = begin->second.offset <= log.marks.known_until();
      begin_at(begin->second, log.segments);
    }
    rounds = std::max(rounds, log.segments.size());
    for (const Segment& segment : log.segments) total += std::min(segment.until, log.end) - segment.from.offset;
  }
  if (progress && !wanted.follow) progress->begin("read", total);
  bool go_on = true;
  for (std::size_t i = 0; i < rounds && go_on; ++i) {
    std::vector<Log*> round;
    // The last segments together: they may be those that have no end.
    for (Log& log : logs)
      if (const std::size_t missing = rounds - log.segments.size(); i >= missing) {
        const Segment& segment = log.segments[i - missing];
        log.tail.emplace(log.id, segment.from);
        log.until = segment.until;
        round.push_back(&log);
      }
    go_on = read_round(round, wanted, sink, stop, progress);
  }
  if (progress) progress->end();
  save(logs);
}

// False: stopped.
bool History::read_round(std::vector<Log*>& round, const Wanted& wanted, const Sink& sink, const std::stop_token& stop,
                         ProgressLine* progress) {
  std::vector<std::pair<LogId, int64_t>> from;
  int64_t records = 0;
  for (const Log* log : round) {
    from.emplace_back(log->id, log->tail->position().offset);
    records += std::min(log->until, log->end) - from.back().second;
  }
  const auto source = ports_.source(records > few_records ? kafka::Reading::bulk : kafka::Reading::low_latency);
  source->assign(std::move(from));
  std::vector<std::pair<Log*, Commit>> taken;  // the sink may throw, which nothing inside a source's poll may
  auto heard = Clock::now();
  while (std::any_of(round.begin(), round.end(), [](const Log* log) { return !log->done(); })) {
    if (stop.stop_requested()) return false;
    int64_t fed = 0;
    source->poll(poll_ms, [&](std::size_t i, const RecordView& record) {
      Log& log = *round[i];
      if (log.done()) return;  // read ahead
      ++fed;
      TailStep step = log.tail->feed(record);
      if (log.noting) log.marks.note(record, step, log.tail->position());
      if (watch_) watch_(log.id, record, step);
      if (!step.commit) return;
      if (log.bounds.holds(*step.commit) &&
          (!wanted.aggregate || step.commit->events.back().meta.aggregate_id == *wanted.aggregate))
        taken.emplace_back(&log, *std::move(step.commit));
      else
        log.tail->recycle(*std::move(step.commit));
    });
    for (const Log* log : round) origins_[log->id] = log->tail->position().origin;
    for (auto& [log, commit] : taken) {
      if (!sink(log->id, commit)) return false;
      log->tail->recycle(std::move(commit));
    }
    taken.clear();
    if (progress) fed > 0 ? progress->advance(fed) : progress->look();
    if (fed > 0)
      heard = Clock::now();
    else if (!go_on_())
      return false;
    if (!wanted.follow && Clock::now() - heard > patience) {
      const auto open = std::find_if(round.begin(), round.end(), [](const Log* log) { return !log->done(); });
      if (open == round.end()) break;
      throw std::runtime_error("Kafka has delivered nothing for 30 s: log " + to_string((*open)->id) +
                               " was read up to offset " + std::to_string((*open)->tail->reader().next_offset()) +
                               " of " + std::to_string((*open)->until) +
                               "; is a broker away? Run it again when it is back");
    }
  }
  return true;
}

void History::save(const std::vector<Log>& logs) const {
  for (const Log& log : logs) {
    std::size_t known = log.known;
    if (!log.bounds.need_bookmarks()) {  // noted anew, and perhaps stopped early: the file may know more
      std::string damage;
      const auto before = files_.load(log.id, damage, block_records_);
      known = before ? before->blocks() : 0;
    }
    if (log.marks.blocks() <= known) continue;
    if (const auto refused = files_.save(log.id, log.marks)) return note(*refused);
  }
}

}  // namespace everfold::replay
