#include "tools/replay/copying/copy_target.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "kernel/shard.hpp"

namespace everfold::replay {
namespace {

constexpr std::string_view rules_header = "ce_copyrules";
constexpr const char* owner = "everfold-replay copy";
constexpr int ends_timeout_ms = 30'000;
constexpr int poll_ms = 50;

template <class Int>
bool read_number(std::string_view text, Int& out, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

std::string no_copy(const LogId& log, const std::string& why) {
  return "log " + to_string(log) + " of the target " + why + ". Copy to another --to.";
}

std::string who(const TermStartedMark& term) { return term.owner + (term.url.empty() ? "" : " (" + term.url + ")"); }

}  // namespace

std::string to_string(const CopiedFrom& from) {
  char hex[16];
  const auto written = std::to_chars(hex, hex + sizeof hex, from.origin, 16);
  return to_string(from.log) + ':' + std::to_string(from.offset) + '@' + std::string(hex, written.ptr);
}

std::optional<CopiedFrom> parse_copied_from(std::string_view text) {
  const std::size_t at = text.rfind('@');
  const std::size_t colon = text.rfind(':', at);
  const std::size_t dot = text.rfind('.', colon);
  if (at == text.npos || colon == text.npos || dot == text.npos || dot == 0) return std::nullopt;
  CopiedFrom from;
  from.log.context = text.substr(0, dot);
  const bool whole = read_number(text.substr(dot + 1, colon - dot - 1), from.log.shard) &&
                     read_number(text.substr(colon + 1, at - colon - 1), from.offset) &&
                     read_number(text.substr(at + 1), from.origin, 16);
  if (!whole || from.log.shard < 0 || from.offset < 0) return std::nullopt;
  return from;
}

CopyTarget::CopyTarget(Options options, LogSource& source, LogAppender& appender, Edges edges)
    : options_(std::move(options)), source_(source), appender_(appender), edges_(std::move(edges)) {
  std::vector<std::pair<LogId, int64_t>> from_the_start;
  for (const std::string& context : options_.contexts)
    for (int shard = 0; shard < options_.partitions; ++shard) {
      const LogId log{context, shard};
      logs_.push_back({LogTail(log, {}), {}, false, 1, {}, {}, {}});
      from_the_start.emplace_back(log, 0);
    }
  source_.assign(std::move(from_the_start));
}

// ---- reading

// What is wrong is said behind poll(): nothing inside of it may throw.
std::size_t CopyTarget::poll(int timeout_ms) {
  const std::size_t records = source_.poll(timeout_ms, [this](std::size_t place, const RecordView& record) {
    if (wrong_.empty()) read(place, record);
  });
  if (!wrong_.empty()) throw std::runtime_error(wrong_);
  if (appender_.in_doubt())
    throw std::runtime_error(
        "Kafka cannot say what became of a copied record. Run the same copy again: it goes on where this one stopped.");
  return records;
}

bool CopyTarget::read_until(const std::function<bool()>& done, const std::stop_token& stop) {
  int64_t last_news_ms = edges_.now_ms();
  while (!done()) {
    if (stop.stop_requested()) return false;
    const std::size_t records = poll(poll_ms);
    const int64_t now = edges_.now_ms();
    if (records > 0) last_news_ms = now;
    if (now - last_news_ms > options_.patience_ms)
      throw std::runtime_error("nothing has come back from the target for " +
                               std::to_string(options_.patience_ms / 1'000) +
                               " s: is its Kafka well? Run the same copy again: it goes on where this one stopped.");
  }
  return true;
}

bool CopyTarget::look(const std::stop_token& stop) {
  const std::vector<WantedPosition> ends = source_.end_positions(ends_timeout_ms);
  return read_until(
      [&] {
        for (std::size_t i = 0; i < logs_.size(); ++i)
          if (logs_[i].tail.reader().next_offset() < ends[i].offset) return false;
        return true;
      },
      stop);
}

bool CopyTarget::take_over(const std::stop_token& stop) {
  for (Log& log : logs_) {
    log.nonce = edges_.random_id();
    const LogId& id = log.tail.log();
    OutgoingRecord term = term_record(id, log.tail.reader().term() + 1, owner, "", log.nonce, edges_.wall_ms());
    term.headers.emplace_back(rules_header, options_.rules);
    appender_.append(id, std::move(term));
  }
  return read_until([&] { return std::ranges::all_of(logs_, &Log::mine); }, stop);
}

bool CopyTarget::read_back(std::size_t most_open, const std::stop_token& stop) {
  poll(0);
  return read_until([&] { return open_ <= most_open; }, stop);
}

void CopyTarget::read_for(int64_t ms) {
  const int64_t until = edges_.now_ms() + ms;
  for (int64_t left = ms; left > 0; left = until - edges_.now_ms())
    poll(static_cast<int>(std::min<int64_t>(left, poll_ms)));
}

void CopyTarget::read(std::size_t place, const RecordView& record) {
  Log& log = logs_[place];
  TailStep step = log.tail.feed(record);
  switch (step.verdict) {
    case Verdict::term_started:
    case Verdict::ignored:
      return on_term(log, record, *step.term, step.verdict == Verdict::term_started);
    case Verdict::accepted:
      return accept(log, record, std::move(*step.commit));
    case Verdict::gap:
      if (log.mine)
        wrong_ = "log " + to_string(log.tail.log()) +
                 " of the target lacks a record of this copy. Run it again: it goes on where this one stopped.";
      return;
    case Verdict::collecting:
    case Verdict::fenced:
    case Verdict::duplicate:
      return;
  }
}

// Before this run's own term: who wrote here? Behind it: who takes it away?
void CopyTarget::on_term(Log& log, const RecordView& record, const TermStartedMark& term, bool counts) {
  const LogId& id = log.tail.log();
  if (!log.nonce.empty() && term.nonce == log.nonce) {
    log.mine = counts;
    if (!counts) wrong_ = "another copy to the same target has just begun: it goes on, and this one ends.";
    return;
  }
  if (!counts) return;
  const std::string_view rules = record.header(rules_header);
  if (!log.nonce.empty())
    wrong_ = "log " + to_string(id) + " of the target was taken over by " + who(term) +
             " while it was copied to: whatever it is goes on, and this copy ends. Nothing was copied twice.";
  else if (rules.empty())
    wrong_ = no_copy(id, "belongs to " + who(term) +
                             ": an Everfold has been started on it, and a copy is never mixed into a living one");
  else if (rules != options_.rules)
    wrong_ = no_copy(id, "was copied by other rules (" + std::string(rules) + ", and not " + options_.rules + ")");
}

void CopyTarget::accept(Log& log, const RecordView& record, Commit commit) {
  const auto from = parse_copied_from(record.header(copied_from_header));
  const LogId& id = log.tail.log();
  if (!from) {
    wrong_ = no_copy(id, "holds events of its own (offset " + std::to_string(record.offset) + "): it is no copy");
    return;
  }
  CopiedFrom& reached = log.reached.try_emplace(from->log, CopiedFrom{from->log, -1, from->origin}).first->second;
  if (from->origin != reached.origin || from->offset <= reached.offset) {
    wrong_ =
        no_copy(id, "holds " + to_string(*from) + " behind " + to_string(reached) + ": it is no copy of one history");
    return;
  }
  reached = *from;
  there_ += static_cast<int64_t>(commit.events.size());
  log.tail.recycle(std::move(commit));
  if (log.open.empty()) return;
  log.open.pop_front();
  --open_;
}

// ---- writing

CopyTarget::Log& CopyTarget::log_of(const LogId& source, const Commit& commit) {
  const auto context = std::ranges::find(options_.contexts, source.context) - options_.contexts.begin();
  const int shard = shard_of(commit.events.back().meta.aggregate_id, options_.partitions);
  return logs_[static_cast<std::size_t>(context) * static_cast<std::size_t>(options_.partitions) +
               static_cast<std::size_t>(shard)];
}

bool CopyTarget::lacks(const LogId& source, uint64_t origin, const Commit& commit) {
  Log& log = log_of(source, commit);
  const auto [appended, first] = log.appended.try_emplace(source, -1);
  if (first)
    if (const auto reached = log.reached.find(source); reached != log.reached.end()) {
      if (reached->second.origin != origin)
        throw std::runtime_error(no_copy(log.tail.log(), "was copied from another log " + to_string(source) +
                                                             " than the one that the source has now"));
      appended->second = reached->second.offset;
    }
  return commit.events.back().offset > appended->second;
}

bool CopyTarget::append(const LogId& source, uint64_t origin, const Commit& commit) {
  if (!lacks(source, origin, commit)) return false;
  Log& log = log_of(source, commit);
  log.appended[source] = commit.events.back().offset;
  const int64_t number = log.next_commit++;
  const int parts = static_cast<int>(commit.events.size());
  for (int part = 1; part <= parts; ++part) {
    const StoredEvent& event = commit.events[static_cast<std::size_t>(part - 1)];
    OutgoingRecord record = event_record(event, {log.tail.reader().term(), number, part, parts});
    record.headers.emplace_back(copied_from_header, to_string(CopiedFrom{source, event.offset, origin}));
    appender_.append(log.tail.log(), std::move(record));
  }
  log.open.push_back(number);
  ++open_;
  return true;
}

std::vector<std::pair<LogId, LogPosition>> CopyTarget::positions() const {
  std::vector<std::pair<LogId, LogPosition>> positions;
  for (const Log& log : logs_) positions.emplace_back(log.tail.log(), log.tail.position());
  return positions;
}

}  // namespace everfold::replay
