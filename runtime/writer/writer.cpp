#include "runtime/writer/writer.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "kernel/check.hpp"
#include "kernel/ids.hpp"
#include "kernel/shard.hpp"

namespace everfold {
namespace {

constexpr int64_t sweep_every_ms = 200;
constexpr int64_t first_backoff_ms = 100;
constexpr int64_t last_backoff_ms = 5'000;
constexpr int64_t unreachable_backoff_ms = 1'000;
constexpr int end_offset_timeout_ms = 1'000;
constexpr std::size_t whole_history = SIZE_MAX;

Rejection version_mismatch(int64_t expected, int64_t actual) {
  return reject(Code::version_mismatch, "If-Match names version " + std::to_string(expected) + " but the current one is " +
                                            std::to_string(actual) + ". Read it again and decide again.");
}

Rejection key_reused() {
  return reject(Code::idempotency_key_reused,
                "This Idempotency-Key was used for another request. Use a new key for a new request.");
}

Rejection unreadable(const LogId& log, const StoredEvent& event) {
  return nothing_done("This version cannot read event " + std::to_string(event.meta.version) + " of " + event.meta.aggregate_id +
                      " (" + event.meta.type + ", log " + to_string(log) + ", offset " + std::to_string(event.offset) +
                      "): the version that wrote it can");
}

}  // namespace

Writer::Writer(WriterOptions options, std::vector<std::unique_ptr<HostedContext>> contexts, LogSource& source,
               LogAppender& appender, EventIndex& index, Edges edges)
    : options_(std::move(options)),
      contexts_(std::move(contexts)),
      source_(source),
      appender_(appender),
      index_(index),
      edges_(std::move(edges)),
      inbox_(options_.max_queued) {
  std::vector<std::pair<LogId, int64_t>> from;
  for (const auto& context : contexts_)
    for (int shard = 0; shard < options_.partitions; ++shard) {
      LogId id{std::string(context->name()), shard};
      const LogPosition position = index_.position(id);
      from.emplace_back(id, position.offset);
      logs_.emplace_back(std::move(id), *context, position);
      logs_.back().owner_url = index_.owner(logs_.back().id());
    }
  source_.assign(std::move(from));
  publish_status();
}

Writer::~Writer() { save_positions(); }

// ---- from any thread ----

void Writer::submit(Command command, Reply reply) {
  submit({std::move(command), std::move(reply), edges_.now_ms() + options_.deadline_ms});
}

void Writer::submit(QueuedCommand queued) {
  switch (inbox_.put(queued)) {
    case WriterInbox::Put::first:
      return source_.wake();
    case WriterInbox::Put::more:
      return;
    case WriterInbox::Put::full:
      ++stats_.unavailable;
      queued.reply(queued.in_doubt ? outcome_unknown() : nothing_done("More commands are waiting than this node can decide in time"));
  }
}

bool Writer::offer(Command command, Reply reply) {
  QueuedCommand queued{std::move(command), std::move(reply)};
  const WriterInbox::Put put = inbox_.put(queued);
  if (put == WriterInbox::Put::first) source_.wake();
  return put != WriterInbox::Put::full;
}

bool Writer::can_read(const Command& command) const {
  return std::ranges::any_of(contexts_, [&](const auto& context) {
    return context->name() == command.meta.context && context->can_read(command.type, command.bytes);
  });
}

void Writer::when_read(WantedPosition wanted, std::function<void(bool reached)> then) {
  when_read({std::move(wanted), edges_.now_ms() + options_.deadline_ms, std::move(then)});
}

void Writer::when_read(ReadWait wait) {
  inbox_.put(std::move(wait));
  source_.wake();
}

void Writer::own(std::vector<LogId> logs) {
  inbox_.assign(std::move(logs));
  source_.wake();
}

void Writer::await_assignment() { inbox_.share_anew(); }

std::vector<LogStatus> Writer::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

// ---- the writer's thread ----

void Writer::step(int timeout_ms) {
  read_logs(timeout_ms);
  flush();
  if (appender_.in_doubt()) start_again_after_doubt();
  take_queue();
  for (OwnedLog& log : logs_)
    if (assigned_ && log.wanted && log.role == OwnedLog::Role::standby) take_over(log);
  ring_timers();
  if (const int64_t now = edges_.now_ms(); now >= next_sweep_ms_) {
    next_sweep_ms_ = now + sweep_every_ms;
    expire_deadlines();
    save_positions();
    publish_status();
  }
  release();  // refusals decided in this step
}

bool Writer::drained() {
  return inbox_.close() && in_flight_ == 0 &&
         std::all_of(logs_.begin(), logs_.end(), [](const OwnedLog& log) { return log.held.empty(); });
}

std::size_t Writer::place_of(std::string_view context, std::string_view aggregate_id) const {
  const auto partitions = static_cast<std::size_t>(options_.partitions);
  for (std::size_t i = 0; i < contexts_.size(); ++i)
    if (contexts_[i]->name() == context)
      return i * partitions + static_cast<std::size_t>(shard_of(aggregate_id, options_.partitions));
  return logs_.size();
}

// ---- reading back ----

void Writer::read_logs(int timeout_ms) {
  source_.poll(timeout_ms, [this](std::size_t place, const RecordView& record) { read(place, record); });
}

void Writer::read(std::size_t place, const RecordView& record) {
  OwnedLog& log = logs_[place];
  TailStep step = log.tail.feed(record);
  moved_.insert(place);
  switch (step.verdict) {
    case Verdict::term_started:
    case Verdict::ignored:
      on_term(log, *step.term, step.verdict);
      break;
    case Verdict::accepted:
      accept(log, std::move(*step.commit));
      break;
    case Verdict::collecting:
      break;
    case Verdict::gap:
      ++stats_.void_records;
      if (log.role == OwnedLog::Role::owner) {
        edges_.say("log " + to_string(log.id()) + " lost a record of this writer's term " +
                   std::to_string(log.tail.reader().term()) + ": taking it over again with a new term");
        start_again_after_doubt();
      }
      break;
    case Verdict::fenced:
    case Verdict::duplicate:
      ++stats_.void_records;
      break;
  }
}

void Writer::accept(OwnedLog& log, Commit commit) {
  ++stats_.accepted;
  for (const StoredEvent& event : commit.events) {
    const Timer timer = log.context->timer_of(event.meta.type, event.bytes);
    if (timer.kind == Timer::Kind::keep) continue;
    const std::string& id = event.meta.aggregate_id;
    std::erase_if(log.timers, [&](const auto& entry) { return entry.second == id; });
    const bool set = timer.kind == Timer::Kind::set;
    batch_.timers.push_back({log.id(), id, set ? std::optional<int64_t>(timer.at_ms) : std::nullopt});
    if (set && log.role == OwnedLog::Role::owner) log.timers.emplace(timer.at_ms, id);
  }
  if (log.role == OwnedLog::Role::owner) {
    check(!log.pending.empty() && log.pending.front().commit == commit.mark.commit,
          "a commit of this writer's own term was accepted that it does not remember");
    PendingCommit pending = std::move(log.pending.front());
    log.pending.pop_front();
    log.pending_ids.erase(pending.callers.front().command.meta.id);
    log.confirmed_commit = commit.mark.commit;
    log.owned_ms = std::max(log.owned_ms, pending.appended_ms);
    --in_flight_;
    confirmed_.push_back({{{}, commit.events.back().meta.version, log.id(), commit.events.back().offset + 1},
                          batch_.events.size(), commit.events.size(), std::move(pending.callers)});
    maybe_snapshot(log, commit.events.front().meta.aggregate_id);
  }
  for (StoredEvent& event : commit.events) batch_.events.push_back(std::move(event));
}

// The index is written before anybody is answered: what a caller was told, a look-up finds.
void Writer::flush() {
  if (!batch_.empty()) index_.write(batch_);
  for (Confirmed& confirmed : std::exchange(confirmed_, {})) {
    const auto first = batch_.events.begin() + static_cast<std::ptrdiff_t>(confirmed.first_event);
    confirmed.done.events.assign(std::make_move_iterator(first),
                                 std::make_move_iterator(first + static_cast<std::ptrdiff_t>(confirmed.events)));
    for (QueuedCommand& caller : confirmed.callers) {
      const bool last = &caller == &confirmed.callers.back();
      answers_.emplace_back(std::move(caller.reply), last ? std::move(confirmed.done) : confirmed.done);
    }
  }
  batch_ = {};
  release();
}

// Now and then is enough: what is read again after a crash is written again, the same.
void Writer::save_positions() {
  IndexBatch batch;
  for (const std::size_t place : std::exchange(moved_, {}))
    batch.positions.emplace_back(logs_[place].id(), logs_[place].tail.position());
  if (!batch.empty()) index_.write(batch);
}

void Writer::release() {
  for (OwnedLog& log : logs_) {
    while (!log.held.empty() && log.held.begin()->first <= log.confirmed_commit) {
      HeldAnswer& held = log.held.begin()->second;
      const bool done_before = held.outcome && !held.outcome.value().events.empty();  // whoever is the owner now
      if (!done_before && !may_refuse(log)) break;
      if (held.outcome && !done_before)  // what it was decided on lies behind this
        held.outcome.value().position = log.tail.reader().next_offset();
      answers_.emplace_back(std::move(held.queued.reply), std::move(held.outcome));
      log.held.erase(log.held.begin());
    }
    release_readers(log);
  }
  for (auto& [reply, outcome] : std::exchange(answers_, {}))
    if (reply) reply(std::move(outcome));
}

// The index is written behind every record that was read before this is called.
void Writer::release_readers(OwnedLog& log) {
  while (!log.readers.empty() && log.readers.begin()->first <= log.tail.reader().next_offset()) {
    const ReadWait reader = std::move(log.readers.extract(log.readers.begin()).mapped());
    reader.then(true);
  }
}

// A zombie, who slept while its log was taken over, must not refuse from what it remembers. Whether anything was received of late
// does not tell: it may have been sent long ago, or lie before what matters. What has come back since it was appended does. An owner
// that has appended nothing of late asks, by a TermStarted of its own term: it counts for nobody, and comes back like all else.
bool Writer::may_refuse(OwnedLog& log) {
  const int64_t now = edges_.now_ms();
  if (log.owned_ms <= now && now - log.owned_ms <= options_.max_doubt_ms) return true;
  if (log.asked_ms == 0) start_term(log, log.tail.reader().term(), now);
  return false;
}

void Writer::start_term(OwnedLog& log, int64_t term, int64_t now_ms) {
  log.nonce = edges_.random_id();
  log.asked_ms = now_ms;
  appender_.append(log.id(), term_record(log.id(), term, options_.owner, options_.url, log.nonce, edges_.wall_ms()));
}

// ---- owning ----

void Writer::take_over(OwnedLog& log) {
  const int64_t now = edges_.now_ms();
  if (now < log.try_again_ms) return;
  if (!log.read_to) {
    try {
      log.read_to = source_.end_offset(log.id(), end_offset_timeout_ms);
    } catch (const std::runtime_error& e) {
      edges_.say(e.what());
      for (OwnedLog& other : logs_) other.try_again_ms = now + unreachable_backoff_ms;  // they would fail, and wait, as well
      return;
    }
  }
  if (log.tail.reader().next_offset() < *log.read_to) return;
  log.role = OwnedLog::Role::claiming;
  start_term(log, log.tail.reader().term() + 1, now);
}

void Writer::on_term(OwnedLog& log, const TermStartedMark& term, Verdict verdict) {
  const bool mine = log.asked_ms != 0 && term.nonce == log.nonce;
  if (verdict == Verdict::term_started) {
    log.owner_url = term.url;
    batch_.owners.emplace_back(log.id(), term.url);
  }
  if (mine && log.role == OwnedLog::Role::owner) {
    log.owned_ms = std::max(log.owned_ms, std::exchange(log.asked_ms, 0));
  } else if (mine && verdict == Verdict::term_started) {
    become_owner(log);
  } else if (mine) {
    log.failed_claims = std::min(log.failed_claims + 1, 6);
    log.try_again_ms = edges_.now_ms() + std::min(last_backoff_ms, first_backoff_ms << log.failed_claims);
    depose(log);
  } else if (verdict == Verdict::term_started && log.role == OwnedLog::Role::owner) {
    edges_.say("log " + to_string(log.id()) + " was taken over by " + term.owner + " with term " + std::to_string(term.term));
    ++stats_.depositions;
    log.try_again_ms = edges_.now_ms() + 10 * first_backoff_ms;
    depose(log);
  }
}

void Writer::become_owner(OwnedLog& log) {
  ++stats_.takeovers;
  log.role = OwnedLog::Role::owner;
  log.owned_ms = std::exchange(log.asked_ms, 0);
  log.failed_claims = 0;
  log.read_to.reset();
  log.next_commit = 1;
  log.confirmed_commit = 0;
  flush();  // timers and commands of the last commits before mine must be in the index
  log.timers.clear();
  for (auto& [aggregate_id, at_ms] : index_.timers(log.id())) log.timers.emplace(at_ms, std::move(aggregate_id));
  for (QueuedCommand& queued : std::exchange(log.backlog, {})) handle(log, std::move(queued));
  publish_status();
}

// Back to standby. What was pending is not lost: it waits for the next ownership, to be decided again or found done, and callers hear
// within their deadline.
void Writer::depose(OwnedLog& log) {
  std::deque<QueuedCommand> waiting;
  for (PendingCommit& pending : log.pending)
    for (QueuedCommand& caller : pending.callers)
      if (caller.reply) {  // without: its deadline has passed and it was told
        waiting.push_back(std::move(caller));
        waiting.back().in_doubt = true;
      }
  for (auto& [after, held] : log.held) waiting.push_back(std::move(held.queued));
  in_flight_ -= log.pending.size();
  log.pending.clear();
  log.pending_ids.clear();
  log.held.clear();
  for (QueuedCommand& queued : waiting) queued.command.meta.fresh_id = false;  // what was appended may be accepted yet
  for (QueuedCommand& queued : log.backlog) waiting.push_back(std::move(queued));
  log.backlog = std::move(waiting);
  log.states.clear();  // speculative; only an owner keeps states
  log.timers.clear();
  log.read_to.reset();
  log.owned_ms = log.asked_ms = 0;
  log.role = OwnedLog::Role::standby;
  if (log.wanted) return;
  for (QueuedCommand& queued : std::exchange(log.backlog, {})) turn_away(log, std::move(queued));
}

void Writer::start_again_after_doubt() {
  ++stats_.doubts;
  edges_.say("Kafka cannot say what became of a record: starting a new producer and taking every log over with a new term");
  appender_.new_session();
  for (OwnedLog& log : logs_)
    if (log.role != OwnedLog::Role::standby) depose(log);
}

// ---- deciding ----

void Writer::take_queue() {
  WriterInbox::Contents inbox = inbox_.take(in_flight_ < options_.max_in_flight);
  if (inbox.assignment) assign(*inbox.assignment);
  if (inbox.sharing_anew) assigned_ = false;
  for (ReadWait& wait : inbox.waits) {
    const auto log = std::ranges::find(logs_, wait.wanted.log, &OwnedLog::id);
    if (log != logs_.end()) log->readers.emplace(wait.wanted.offset, std::move(wait));
    else wait.then(false);
  }
  for (QueuedCommand& queued : inbox.commands) {
    const CommandMeta& meta = queued.command.meta;
    const std::size_t place = place_of(meta.context, meta.aggregate_id);
    if (place < logs_.size()) handle(logs_[place], std::move(queued));
    else if (queued.reply) queued.reply(reject(Code::not_found, "This node has no context " + meta.context + "."));
  }
}

void Writer::assign(const std::vector<LogId>& ownership) {
  assigned_ = was_assigned_ = true;
  for (OwnedLog& log : logs_) {
    // Commands from topics that were not decided yet are read again by whoever has their shard now.
    std::erase_if(log.backlog, [](const QueuedCommand& queued) { return queued.deadline_ms == 0; });
    const bool was_wanted = log.wanted;
    log.wanted = std::ranges::find(ownership, log.id()) != ownership.end();
    if (was_wanted && !log.wanted) depose(log);
  }
}

void Writer::handle(OwnedLog& log, QueuedCommand queued) {
  if (log.role == OwnedLog::Role::owner) {
    decide(log, std::move(queued));
  } else if (!log.wanted) {
    turn_away(log, std::move(queued));
  } else if (queued.deadline_ms == 0 || log.backlog.size() < options_.max_queued) {
    log.backlog.push_back(std::move(queued));
  } else {
    ++stats_.unavailable;
    queued.reply(nothing_done("The log " + to_string(log.id()) + " is being taken over"));
  }
}

// Another node's, as the group sees it. A topic's command is read again by whoever owns the log now.
void Writer::turn_away(OwnedLog& log, QueuedCommand queued) {
  if (queued.deadline_ms == 0) return;
  if (edges_.elsewhere && !queued.forwarded) {
    ++stats_.elsewhere;
    return edges_.elsewhere(std::move(queued), log.owner_url == options_.url ? "" : log.owner_url);
  }
  ++stats_.unavailable;
  answers_.emplace_back(std::move(queued.reply), queued.in_doubt ? outcome_unknown()
                                                                 : nothing_done("This node does not own the log " + to_string(log.id())));
}

void Writer::decide(OwnedLog& log, QueuedCommand queued) {
  if (answer_repeated(log, queued)) return;
  if (queued.deadline_ms != 0 && stalls(log)) {
    ++stats_.unavailable;
    answers_.emplace_back(std::move(queued.reply),
                          queued.in_doubt ? outcome_unknown() : nothing_done("Kafka confirms more slowly than commands come"));
    return;
  }
  ++stats_.decided;
  const Command& command = queued.command;
  const auto state = state_of(log, command.meta.aggregate_id);
  if (!state) {
    ++stats_.unavailable;
    answers_.emplace_back(std::move(queued.reply), state.error());
    return;
  }
  CachedState& cached = *state.value();
  const auto hold = [&](Outcome outcome) {
    log.held.emplace(cached.last_commit, HeldAnswer{std::move(queued), std::move(outcome)});
  };
  if (const int64_t expected = command.meta.expected_version; expected >= 0 && expected != cached.version) {
    ++stats_.refused;
    return hold(version_mismatch(expected, cached.version));
  }
  auto decided = log.context->decide(*cached.state, command.type, command.bytes, options_.max_event_bytes);
  if (!decided) {
    ++stats_.refused;
    return hold(std::move(decided).error());
  }
  std::vector<Encoded> events = std::move(decided).value();
  if (events.empty()) return hold(CommandDone{{}, cached.version, log.id(), 0});
  append(log, cached, std::move(queued), std::move(events));
}

// Who comes now would wait longer than the oldest has, and hear in the end that nothing is known. Better to say while there is time to ask
// again that nothing was done.
bool Writer::stalls(const OwnedLog& log) const {
  return !log.pending.empty() && edges_.now_ms() - log.pending.front().appended_ms > options_.deadline_ms / 2;
}

// A command that came before: in flight (wait for it) or in the index (answer as then).
bool Writer::answer_repeated(OwnedLog& log, QueuedCommand& queued) {
  const CommandMeta& meta = queued.command.meta;
  if (const auto at = log.pending_ids.find(meta.id); at != log.pending_ids.end()) {
    PendingCommit& pending = log.pending[static_cast<std::size_t>(at->second - log.pending.front().commit)];
    ++stats_.repeated;
    if (pending.callers.front().command.meta.digest == meta.digest) pending.callers.push_back(std::move(queued));
    else log.held.emplace(pending.commit, HeldAnswer{std::move(queued), key_reused()});
    return true;
  }
  if (meta.fresh_id) return false;
  const auto known = index_.command(meta.id);
  if (!known) return false;
  ++stats_.repeated;
  if (known->digest != meta.digest || known->context != meta.context || known->aggregate_id != meta.aggregate_id) {
    log.held.emplace(0, HeldAnswer{std::move(queued), key_reused()});
    return true;
  }
  const auto count = static_cast<std::size_t>(known->last_version - known->first_version + 1);
  CommandDone done;
  done.events = index_.events(known->context, known->aggregate_id, known->first_version, count);
  check(done.events.size() == count, "the index knows a command but not its events");
  done.version = known->last_version;
  done.log = log.id();
  done.position = done.events.back().offset + 1;
  log.held.emplace(0, HeldAnswer{std::move(queued), std::move(done)});
  return true;
}

// Code::unavailable: one of its events is of a later version. Every other aggregate goes on.
Decided<CachedState*> Writer::state_of(OwnedLog& log, const std::string& aggregate_id) {
  if (CachedState* cached = log.states.find(aggregate_id)) return cached;
  log.states.shrink(options_.cached_states / logs_.size() + 1, log.confirmed_commit);
  CachedState loaded{log.context->fresh(), 0, 0, 0};
  if (const auto code_version = log.context->snapshot_version())
    if (const auto snapshot = index_.snapshot(log.id().context, aggregate_id); snapshot && snapshot->code_version == *code_version)
      if (auto state = log.context->load(snapshot->bytes)) {
        loaded.state = std::move(state);
        loaded.version = loaded.snapshot_version = snapshot->version;
      }
  for (const StoredEvent& event : index_.events(log.id().context, aggregate_id, loaded.version + 1, whole_history)) {
    check(event.meta.version == loaded.version + 1, "an aggregate's versions have a hole");
    if (!log.context->evolve(*loaded.state, event.meta.type, event.bytes)) return unreadable(log.id(), event);
    loaded.version = event.meta.version;
  }
  return &log.states.insert(aggregate_id, std::move(loaded));
}

void Writer::append(OwnedLog& log, CachedState& cached, QueuedCommand queued, std::vector<Encoded> events) {
  const CommandMeta& meta = queued.command.meta;
  const int64_t commit = log.next_commit++;
  const int parts = static_cast<int>(events.size());
  for (int part = 1; part <= parts; ++part) {
    Encoded& encoded = events[static_cast<std::size_t>(part - 1)];
    StoredEvent event;
    event.meta = {event_id(meta.id, static_cast<std::size_t>(part)), std::move(encoded.type), meta.context, meta.aggregate_id,
                  ++cached.version, meta.time_ms, meta.correlation_id, meta.id, meta.traceparent, meta.actor};
    event.bytes = std::move(encoded.bytes);
    event.digest = meta.digest;
    appender_.append(log.id(), event_record(event, {log.tail.reader().term(), commit, part, parts}));
  }
  cached.last_commit = commit;
  log.pending_ids.emplace(meta.id, commit);
  log.pending.push_back({commit, edges_.now_ms(), {}});
  log.pending.back().callers.push_back(std::move(queued));
  ++in_flight_;
}

void Writer::maybe_snapshot(OwnedLog& log, const std::string& aggregate_id) {
  const auto code_version = log.context->snapshot_version();
  if (!code_version) return;
  CachedState* cached = log.states.find(aggregate_id);
  if (!cached || cached->last_commit > log.confirmed_commit) return;  // its state is ahead of what is confirmed
  if (cached->version - cached->snapshot_version < options_.snapshot_every) return;
  cached->snapshot_version = cached->version;
  batch_.snapshots.push_back({log.id().context, aggregate_id, cached->version, *code_version, log.context->save(*cached->state)});
}

// ---- time ----

void Writer::ring_timers() {
  const int64_t now = edges_.wall_ms();
  for (OwnedLog& log : logs_) {
    while (log.role == OwnedLog::Role::owner && !log.timers.empty() && log.timers.begin()->first <= now) {
      const auto [at_ms, aggregate_id] = *log.timers.begin();
      log.timers.erase(log.timers.begin());  // rings once an ownership; the process clears it by an event
      auto expire = log.context->expire();
      check(expire.has_value(), "a context without deadlines has a timer");
      Command command{{}, std::move(expire->type), std::move(expire->bytes)};
      command.meta.context = log.id().context;
      command.meta.aggregate_id = aggregate_id;
      command.meta.id = derive_id({"expire", log.id().context, aggregate_id, std::to_string(at_ms)});
      command.meta.time_ms = now;
      command.meta.correlation_id = command.meta.id;
      command.meta.actor = "process:" + log.id().context;
      decide(log, {std::move(command), [](const Outcome&) {}, 0});
    }
  }
}

void Writer::expire_deadlines() {
  const int64_t now = edges_.now_ms();
  for (const QueuedCommand& queued : inbox_.take_due(now)) {
    ++stats_.unavailable;
    queued.reply(queued.in_doubt ? outcome_unknown() : nothing_done("Kafka does not confirm in time what was decided before"));
  }
  for (OwnedLog& log : logs_) {
    std::erase_if(log.backlog, [&](QueuedCommand& queued) {
      if (!queued.is_due(now)) return false;
      ++stats_.unavailable;
      if (queued.reply) queued.reply(outcome_unknown());
      return true;
    });
    for (PendingCommit& pending : log.pending)
      for (const Reply& reply : pending.take_late(now)) {
        ++stats_.unavailable;
        reply(outcome_unknown());
      }
    std::erase_if(log.held, [&](auto& entry) {
      if (!entry.second.queued.is_due(now)) return false;
      ++stats_.unavailable;
      if (entry.second.queued.reply) entry.second.queued.reply(outcome_unknown());
      return true;
    });
    std::erase_if(log.readers, [&](const auto& entry) {
      if (entry.second.deadline_ms > now) return false;
      entry.second.then(false);
      return true;
    });
  }
}

}  // namespace everfold
