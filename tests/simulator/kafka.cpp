#include "tests/simulator/kafka.hpp"

#include <algorithm>
#include <utility>

namespace everfold::simulator {

int Kafka::open_session(Process& process) {
  sessions_.emplace_back(process);
  return static_cast<int>(sessions_.size()) - 1;
}

void Kafka::produce(int number, Partition& to, OutgoingRecord record) {
  Session& session = sessions_[static_cast<std::size_t>(number)];
  if (session.broken || in_doubt(number)) return;
  if (session.queued.empty() && session.wire.empty()) busy_.push_back(number);
  session.queued.push_back({&to, std::make_shared<Record>(std::move(record), number)});
}

bool Kafka::in_doubt(int session) const {
  return sessions_[static_cast<std::size_t>(session)].doubtful_from_ms <= universe_.now_ms;
}

void Kafka::doubt(int session) { sessions_[static_cast<std::size_t>(session)].doubtful_from_ms = universe_.now_ms; }

std::size_t Kafka::in_flight(int session) const {
  const Session& of = sessions_[static_cast<std::size_t>(session)];
  return of.queued.size() + of.wire.size();
}

void Kafka::give_up(int number) {
  Session& session = sessions_[static_cast<std::size_t>(number)];
  session.process = nullptr;
  session.queued.clear();
  if (!universe_.random.permille(faults_.orphans)) session.wire.clear();
  if (!session.wire.empty()) universe_.say("session ", number, " is given up with ", session.wire.size(), " records on the wire");
}

void Kafka::orphan(int number) {
  Session& session = sessions_[static_cast<std::size_t>(number)];
  std::swap(session.queued, session.wire);
  session.process = nullptr;
}

void Kafka::append_now(Partition& to, OutgoingRecord record) {
  append(to, std::make_shared<Record>(std::move(record), -1));
  to.visible_ms.resize(to.records.size(), universe_.now_ms);
  to.visible_step.resize(to.records.size(), universe_.step);
}

void Kafka::step() {
  if (!up) return;
  if (!busy_.empty()) {
    const auto at = static_cast<std::size_t>(universe_.random.below(static_cast<int64_t>(busy_.size())));
    Session& session = sessions_[static_cast<std::size_t>(busy_[at])];
    if (session.process && !session.process->alive) give_up(busy_[at]);
    send(session);
    // Orphans take their time.
    if (session.process || universe_.random.one_in(faults_.late_orphans)) arrive(session);
    if (session.queued.empty() && session.wire.empty()) {
      busy_[at] = busy_.back();
      busy_.pop_back();
    }
  }
  replicate();
}

void Kafka::send(Session& session) {
  if (!session.process || !session.process->reaches_kafka()) return;
  for (auto n = universe_.random.between(1, 8); n > 0 && !session.queued.empty(); --n) {
    session.wire.push_back(std::move(session.queued.front()));
    session.queued.pop_front();
  }
}

void Kafka::arrive(Session& session) {
  Random& random = universe_.random;
  for (auto n = random.between(1, 4); n > 0 && !session.wire.empty(); --n) {
    if (random.permille(faults_.reorder) && session.wire.size() > 1) {
      universe_.say("two records change places on the wire");
      std::swap(session.wire[0], session.wire[1]);
    }
    Flying flying = std::move(session.wire.front());
    session.wire.pop_front();
    if (random.permille(faults_.lose)) {
      universe_.say("a record to ", to_string(flying.to->log), " is lost");
      lose(session);
      continue;
    }
    if (random.permille(faults_.lose_ack)) session.doubtful_from_ms = universe_.now_ms;
    if (random.permille(faults_.duplicate)) append(*flying.to, flying.record);
    append(*flying.to, std::move(flying.record));
  }
}

void Kafka::lose(Session& session) {
  session.doubtful_from_ms = std::min(session.doubtful_from_ms, universe_.now_ms + universe_.random.below(300));
  if (faults_.gaps) return;
  session.broken = true;
  session.queued.clear();
  session.wire.clear();
}

void Kafka::append(Partition& to, RecordPtr record) {
  if (universe_.tell) {
    const auto mark = record->at(0).header("ce_log");
    universe_.say(to_string(to.log), ":", to.end(), " is ", mark.empty() ? record->at(0).header("ce_type") : mark, " ",
                  record->at(0).header("ce_id"), record->session < 0 ? "" : " of session " + std::to_string(record->session));
  }
  if (to.end() == to.high_watermark()) behind_.push_back(&to);
  to.records.push_back(std::move(record));
}

void Kafka::replicate() {
  if (behind_.empty()) return;
  const auto at = static_cast<std::size_t>(universe_.random.below(static_cast<int64_t>(behind_.size())));
  Partition& partition = *behind_[at];
  const int64_t missing = partition.end() - partition.high_watermark();
  const int64_t now_seen = universe_.random.permille(faults_.partial) ? universe_.random.between(0, missing) : missing;
  partition.visible_ms.insert(partition.visible_ms.end(), static_cast<std::size_t>(now_seen), universe_.now_ms);
  partition.visible_step.insert(partition.visible_step.end(), static_cast<std::size_t>(now_seen), universe_.step);
  if (now_seen < missing) return;
  behind_[at] = behind_.back();
  behind_.pop_back();
}

// An idempotent producer that still lives sends again what was not acknowledged, in its old order.
void Kafka::fail_over() {
  if (behind_.empty()) return;
  Partition& partition = *universe_.random.pick(behind_);
  const int64_t kept = universe_.random.between(partition.high_watermark(), partition.end());
  universe_.say("a new leader of ", to_string(partition.log), " lacks ", partition.end() - kept, " records that nobody saw");
  while (partition.end() > kept) {
    RecordPtr record = std::move(partition.records.back());
    partition.records.pop_back();
    if (record->session < 0) continue;
    Session& session = sessions_[static_cast<std::size_t>(record->session)];
    if (!session.process || session.broken) continue;
    if (session.queued.empty() && session.wire.empty()) busy_.push_back(record->session);
    session.wire.push_front({&partition, std::move(record)});
  }
  if (partition.end() == partition.high_watermark()) std::erase(behind_, &partition);
}

bool Kafka::settled() const {
  return behind_.empty() && std::ranges::all_of(busy_, [this](int number) {
           const Session& session = sessions_[static_cast<std::size_t>(number)];
           return session.queued.empty() && session.wire.empty();
         });
}

}  // namespace everfold::simulator
