#include "runtime/parking/parking.hpp"

#include <algorithm>
#include <limits>

#include "kernel/shard.hpp"

namespace everfold {
namespace {

using Kind = ParkingRecord::Kind;

constexpr std::string_view barrier_key = "reader:";  // and the context
constexpr int64_t never = std::numeric_limits<int64_t>::max();
constexpr int64_t sweep_every_ms = 60'000;

// A record that Kafka does not take would be appended for ever, by one producer after another: whatever its source had,
// a parked record is small. Aggregates whose ids are as long and begin alike are parked together.
constexpr std::size_t longest_text = 1'000;
std::string clipped(const std::string& text) { return text.substr(0, longest_text); }

}  // namespace

Parking::Parking(std::string consumer, std::vector<std::string> contexts, int partitions, Ports ports, Edges edges,
                 const Options& options)
    : consumer_(std::move(consumer)),
      contexts_(std::move(contexts)),
      ports_(ports),
      edges_(std::move(edges)),
      options_(options) {
  std::vector<std::pair<LogId, int64_t>> all;
  for (int shard = 0; shard < partitions; ++shard) all.push_back({{consumer_, shard}, 0});
  ports_.source.assign(std::move(all));
}

// ---- the topic

void Parking::step(int timeout_ms) {
  if (ports_.appender.in_doubt()) {
    ports_.appender.new_session();
    append_again(/*all=*/true);
  }
  append_again(/*all=*/false);
  answer_overdue();
  take_asked();
  ports_.source.poll(timeout_ms, [this](std::size_t shard, const RecordView& record) {
    read(static_cast<int>(shard), record);
  });
  if (const int64_t now = edges_.now_ms(); now >= next_sweep_ms_) {
    next_sweep_ms_ = now + sweep_every_ms;
    end_skipped();
  }
}

void Parking::append(int shard, OutgoingRecord record, Reply reply) {
  Pending& pending = unconfirmed_[{shard, record.key, record.value}];
  pending.since_ms = pending.appended_ms = edges_.now_ms();
  if (reply) pending.replies.push_back(std::move(reply));
  ports_.appender.append({consumer_, shard}, std::move(record));
}

// What lingers may arrive as well: a record twice says nothing new. While anything is on its way nothing is added to it:
// that would grow, and be later still, for as long as Kafka is slow or away.
void Parking::append_again(bool all) {
  if (!all && ports_.appender.in_flight() > 0) return;
  const int64_t now = edges_.now_ms();
  for (auto& [written, pending] : unconfirmed_) {
    if (!all && now - pending.appended_ms < options_.append_again_ms) continue;
    const auto& [shard, key, value] = written;
    pending.appended_ms = now;
    ports_.appender.append({consumer_, shard}, {key, value, {}});
  }
}

// It may be in the topic nevertheless, and is acted on then: asking twice is harmless.
void Parking::answer_overdue() {
  const int64_t now = edges_.now_ms();
  for (auto& [written, pending] : unconfirmed_)
    if (now - pending.since_ms > options_.ask_timeout_ms)
      for (const Reply& reply : std::exchange(pending.replies, {})) reply(false);
}

void Parking::read(int shard, const RecordView& record) {
  std::vector<Reply> replies;
  const auto own = unconfirmed_.find({shard, std::string(record.key), std::string(record.value)});
  if (own != unconfirmed_.end()) {
    replies = std::move(own->second.replies);
    unconfirmed_.erase(own);
  }
  if (record.key.starts_with(barrier_key)) {
    const LogId log{std::string(record.key.substr(barrier_key.size())), shard};
    const auto barrier = barriers_.find(log);
    if (barrier != barriers_.end() && barrier->second == record.value) become_ready(log);
  } else if (const auto parsed = parking_record_of(shard, record.key, record.value)) {
    std::optional<Key> key;
    {
      const std::lock_guard lock(mutex_);
      key = table_.apply(*parsed);
    }
    if (parsed->kind == Kind::parked) {
      in_hand_.erase(parsed->at);
      end_parking(parsed->at);
    }
    if (key) look_after(*key);
  }
  for (const Reply& reply : replies) reply(true);
}

void Parking::assigned(const LogId& log) {
  revoked(log);
  barriers_[log] = edges_.random_id();
  append(log.shard, {std::string(barrier_key) + log.context, barriers_[log], {}});
}

// Whoever has the log next reads what was appended; what was not, that one meets again.
void Parking::revoked(const LogId& log) {
  barriers_.erase(log);
  {
    const std::lock_guard lock(mutex_);
    ready_.erase(log);
  }
  std::erase_if(unconfirmed_, [&](const auto& entry) {
    const auto& [shard, key, value] = entry.first;
    if (shard != log.shard || !entry.second.replies.empty()) return false;
    const auto record = parking_record_of(shard, key, value);
    return record ? record->at.log == log : key == std::string(barrier_key) + log.context;
  });
  parking_.erase(log);
  std::erase_if(parking_keys_, [&](const auto& entry) { return entry.first.first == log; });
  std::erase_if(in_hand_, [&](const ParkedId& id) { return id.log == log; });
  std::erase_if(untried_, [&](const ParkedId& id) { return id.log == log; });
  std::erase_if(plans_, [&](const auto& entry) { return entry.first.first == log; });
  std::erase_if(queue_, [&](const auto& entry) { return entry.second.first == log; });
}

// A new owner may be a new version: everything is tried once, whatever it waited for.
void Parking::become_ready(const LogId& log) {
  {
    const std::lock_guard lock(mutex_);
    ready_.insert(log);
  }
  std::vector<ParkedId> leftovers;
  for (const auto& [id, slot] : table_.slots())
    if (id.log == log && !slot.parked) leftovers.push_back(id);
  for (const ParkedId& id : leftovers)
    for (const Kind kind : {Kind::retry, Kind::skip, Kind::looked})
      append(log.shard, parking_record({kind, id, std::nullopt, std::nullopt}));
  for (const auto& [key, offsets] : table_.open()) {
    if (key.first != log) continue;
    for (const int64_t offset : offsets) untried_.insert({log, offset});
    look_after(key);
  }
}

// ---- parking

bool Parking::known(const ParkedId& id) const {
  const ParkedTable::Slot* slot = table_.find(id);
  if (slot && slot->parked) return true;
  const auto log = parking_.find(id.log);
  return log != parking_.end() && log->second.contains(id.offset);
}

bool Parking::closed(const LogId& log, const std::string& aggregate_id) const {
  const Key key{log, clipped(aggregate_id)};
  return table_.closed(key) || parking_keys_.contains(key);
}

bool Parking::full(const LogId& log) const {
  const auto pending = parking_.find(log);
  return table_.open_in(log) + (pending == parking_.end() ? 0 : pending->second.size()) >= options_.most_open;
}

void Parking::park(Parked parked, const Rejection* why) {
  for (std::string* text : {&parked.aggregate_id, &parked.type, &parked.id, &parked.correlation_id})
    *text = clipped(*text);
  parked.parked_at_ms = edges_.wall_ms();
  parked.why = ParkedWhy::behind;
  if (why) {
    parked.why = why->code == Code::unavailable ? ParkedWhy::unavailable : ParkedWhy::refused;
    parked.message = clipped(why->message);
    parked.tries = 1;
    parked.tried_at_ms = parked.parked_at_ms;
    edges_.tell("parked", parked);
  }
  const ParkedId at = parked.at;
  const Key key{at.log, parked.aggregate_id};
  if (parking_[at.log].emplace(at.offset, key).second) ++parking_keys_[key];
  if (full(at.log))
    edges_.tell("too much of its log is parked: the log waits until some of it is handled or skipped", parked);
  append(at.log.shard, parking_record({Kind::parked, at, std::move(parked), std::nullopt}));
}

void Parking::end_parking(const ParkedId& id) {
  const auto log = parking_.find(id.log);
  if (log == parking_.end()) return;
  const auto found = log->second.find(id.offset);
  if (found == log->second.end()) return;
  if (const auto key = parking_keys_.find(found->second); --key->second == 0) parking_keys_.erase(key);
  log->second.erase(found);
}

std::optional<int64_t> Parking::unconfirmed(const LogId& log) const {
  const auto pending = parking_.find(log);
  if (pending == parking_.end() || pending->second.empty()) return std::nullopt;
  return pending->second.begin()->first;
}

// ---- trying again

// Doubled with every try; a few percent more or less, the same for the same record, so that many do not come at once.
int64_t Parking::delay_ms(const ParkedId& id, int tries) const {
  const int doublings = std::clamp(tries - 1, 0, 30);
  const int64_t delay = std::min(options_.first_retry_ms << doublings, options_.last_retry_ms);
  constexpr int spread_percent = 20;
  return delay * (100 - spread_percent / 2 + shard_of(to_string(id) + std::to_string(tries), spread_percent + 1)) / 100;
}

// Decides when the first of these is tried again, if nothing decided it already.
void Parking::look_after(const Key& key) {
  const auto first = table_.first(key, 1);
  if (first.empty() || !ready_.contains(key.first)) return forget_plan(key);
  const ParkedId& head = first.front();
  if (in_hand_.contains(head)) return forget_plan(key);
  const ParkedTable::Slot& slot = *table_.find(head);
  if (slot.skip) {
    Parked skipped = *slot.parked;
    skipped.skipped = slot.skip;
    edges_.tell("skipped", skipped);
    in_hand_.insert(head);
    append(head.log.shard, parking_record({Kind::parked, head, std::move(skipped), std::nullopt}));
    return forget_plan(key);
  }
  const int64_t now = edges_.now_ms();
  const int tries = slot.parked->tries;
  if (slot.retry_is_due || slot.parked->why == ParkedWhy::behind || untried_.contains(head))
    return plan(key, {head.offset, tries, now});
  const auto planned = plans_.find(key);
  if (planned != plans_.end() && planned->second.offset == head.offset && planned->second.tries == tries) return;
  if (slot.parked->why == ParkedWhy::refused) return forget_plan(key);
  plan(key, {head.offset, tries, now + delay_ms(head, tries)});
}

void Parking::plan(const Key& key, const Plan& plan) {
  forget_plan(key);
  plans_[key] = plan;
  queue_.emplace(plan.due_ms, key);
}

void Parking::forget_plan(const Key& key) {
  const auto found = plans_.find(key);
  if (found == plans_.end()) return;
  queue_.erase({found->second.due_ms, key});
  plans_.erase(found);
}

int64_t Parking::next_due_ms() const { return queue_.empty() ? never : queue_.begin()->first; }

std::vector<Parking::Due> Parking::due() {
  std::vector<Due> all;
  std::size_t records = 0;
  const int64_t now = edges_.now_ms();
  while (records < options_.most_at_once && !queue_.empty() && queue_.begin()->first <= now) {
    const Key key = queue_.begin()->second;
    forget_plan(key);
    Due due{{}, key.second};
    for (const ParkedId& id : table_.first(key, options_.most_at_once)) {
      const ParkedTable::Slot& slot = *table_.find(id);
      const bool has_its_own_time = !due.ids.empty() && slot.parked->why != ParkedWhy::behind && !untried_.contains(id);
      if (has_its_own_time || slot.skip || !in_hand_.insert(id).second) break;
      due.ids.push_back(id);
    }
    records += due.ids.size();
    if (!due.ids.empty()) all.push_back(std::move(due));
  }
  return all;
}

void Parking::handled(const ParkedId& id) {
  untried_.erase(id);
  const ParkedTable::Slot* slot = table_.find(id);
  if (!slot || !slot->open()) return;
  if (slot->parked->why != ParkedWhy::behind) edges_.tell("handled", *slot->parked);
  append(id.log.shard, parking_record({Kind::parked, id, std::nullopt, std::nullopt}));
  const auto end = [&](Kind kind, const std::optional<Asked>& asked) {
    if (asked) append(id.log.shard, parking_record({kind, id, std::nullopt, std::nullopt}));
  };
  end(Kind::retry, slot->retry);
  end(Kind::skip, slot->skip);
  end(Kind::looked, slot->looked);
}

void Parking::failed(const ParkedId& id, const Rejection& why) {
  untried_.erase(id);
  const ParkedTable::Slot* slot = table_.find(id);
  if (!slot || !slot->open()) return;
  Parked parked = *slot->parked;
  parked.why = why.code == Code::unavailable ? ParkedWhy::unavailable : ParkedWhy::refused;
  parked.message = clipped(why.message);
  ++parked.tries;
  parked.tried_at_ms = edges_.wall_ms();
  edges_.tell("tried in vain", parked);
  append(id.log.shard, parking_record({Kind::parked, id, std::move(parked), std::nullopt}));
}

void Parking::release(const ParkedId& id, int64_t again_in_ms) {
  in_hand_.erase(id);
  const ParkedTable::Slot* slot = table_.find(id);
  if (!slot || !slot->open() || !ready_.contains(id.log)) return;
  const Key key{id.log, slot->parked->aggregate_id};
  if (table_.first(key, 1).front() != id) return;
  if (slot->skip) return look_after(key);  // asked meanwhile
  plan(key, {id.offset, slot->parked->tries, edges_.now_ms() + again_in_ms});
}

void Parking::end_skipped() {
  std::vector<ParkedId> ended;
  const int64_t now = edges_.wall_ms();
  for (const auto& [id, slot] : table_.slots())
    if (slot.parked && slot.parked->skipped && now - slot.parked->skipped->at_ms > options_.skipped_kept_ms &&
        ready_.contains(id.log))
      ended.push_back(id);
  for (const ParkedId& id : ended)
    for (const Kind kind : {Kind::parked, Kind::retry, Kind::skip, Kind::looked})
      append(id.log.shard, parking_record({kind, id, std::nullopt, std::nullopt}));
}

// ---- operators

void Parking::take_asked() {
  Inbox inbox;
  {
    const std::lock_guard lock(inbox_mutex_);
    std::swap(inbox, inbox_);
  }
  for (auto& [record, reply] : inbox.asked) append(record.at.log.shard, parking_record(record), std::move(reply));
  for (const auto& [id, reply] : inbox.shows) reply(fetch(id));
}

void Parking::ask(ParkingRecord::Kind kind, const ParkedId& id, Asked asked, Reply reply) {
  asked = {clipped(asked.by), clipped(asked.reason), edges_.wall_ms()};
  const std::lock_guard lock(inbox_mutex_);
  inbox_.asked.emplace_back(ParkingRecord{kind, id, std::nullopt, std::move(asked)}, std::move(reply));
}

void Parking::show(const ParkedId& id, std::function<void(std::optional<OutgoingRecord>)> reply) {
  const std::lock_guard lock(inbox_mutex_);
  inbox_.shows.emplace_back(id, std::move(reply));
}

Parking::Listed Parking::listed(const ParkedTable::Slot& slot) const {
  const ParkedTable::Key key{slot.parked->at.log, slot.parked->aggregate_id};
  const std::size_t open = table_.count(key);
  const bool first = slot.open() && table_.first(key, 1).front() == slot.parked->at;
  return {*slot.parked, slot.looked, slot.retry_is_due, slot.skip.has_value(), first, first ? open - 1 : 0};
}

std::vector<Parking::Listed> Parking::list(bool skipped, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Listed> all;
  if (skipped) {
    for (const auto& [id, slot] : table_.slots())
      if (slot.parked && slot.parked->skipped && all.size() < limit) all.push_back(listed(slot));
    return all;
  }
  for (const auto& [key, offsets] : table_.open()) {
    if (all.size() >= limit) break;
    all.push_back(listed(*table_.find({key.first, *offsets.begin()})));
  }
  return all;
}

std::optional<Parking::Listed> Parking::find(const ParkedId& id) const {
  const std::lock_guard lock(mutex_);
  const ParkedTable::Slot* slot = table_.find(id);
  if (!slot || !slot->parked) return std::nullopt;
  return listed(*slot);
}

std::map<std::string, Parking::Count> Parking::counts() const {
  std::map<std::string, Count> counts;
  for (const std::string& context : contexts_) counts[context];
  const int64_t now = edges_.wall_ms();
  const std::lock_guard lock(mutex_);
  for (const auto& [key, offsets] : table_.open()) {
    if (!ready_.contains(key.first)) continue;
    Count& count = counts[key.first.context];
    const ParkedTable::Slot& first = *table_.find({key.first, *offsets.begin()});
    const int64_t age_ms = std::max<int64_t>(now - first.parked->parked_at_ms, 1);
    ++count.keys;
    count.records += offsets.size();
    count.oldest_ms = std::max(count.oldest_ms, age_ms);
    if (!first.looked) count.unlooked_ms = std::max(count.unlooked_ms, age_ms);
  }
  return counts;
}

}  // namespace everfold
