#include "tests/simulator/group.hpp"

#include <algorithm>
#include <utility>

#include "kernel/shard.hpp"

namespace everfold::simulator {

int Group::join(Process& process) {
  members_.emplace(next_member_, Member(process, universe_.now_ms));
  start_rebalance();
  return next_member_++;
}

void Group::leave(int member) {
  if (members_.erase(member) > 0) start_rebalance();
}

void Group::start_rebalance() {
  if (!rebalancing_) rebalance_began_ms_ = universe_.now_ms;
  rebalancing_ = true;
  for (auto& [number, member] : members_) member.rejoined = member.generation == 0;
}

Group::Notice Group::poll(int number) {
  const auto at = members_.find(number);
  if (at == members_.end()) return {true};  // its session has expired meanwhile
  Member& member = at->second;
  if (rebalancing_) return {!member.rejoined};
  if (std::exchange(member.told, true)) return {};
  return {false, &member.logs};
}

int Group::rejoin(int number) {
  const auto at = members_.find(number);
  if (at != members_.end()) {
    at->second.rejoined = true;
    return number;
  }
  return -1;
}

bool Group::commit(int number, const LogId& log, const Position& position) {
  const auto at = members_.find(number);
  if (at == members_.end() || at->second.generation != generation_) return false;
  if (!std::ranges::count(at->second.logs, log)) return false;
  positions_[log] = position;
  return true;
}

void Group::step() {
  if (!kafka_.up) return;
  bool lost_any = false;
  for (auto& [number, member] : members_)
    if (member.process->reaches_kafka()) member.seen_ms = universe_.now_ms;
  const bool waited_enough = rebalancing_ && universe_.now_ms - rebalance_began_ms_ > session_timeout_ms_;
  std::erase_if(members_, [&](const auto& entry) {
    const Member& member = entry.second;
    const bool lost = universe_.now_ms - member.seen_ms > session_timeout_ms_ || (waited_enough && !member.rejoined);
    if (lost) universe_.say("group ", name_, ": the session of ", member.process->name, " has expired");
    lost_any = lost_any || lost;
    return lost;
  });
  if (lost_any) start_rebalance();
  if (rebalancing_ && std::ranges::all_of(members_, [](const auto& entry) { return entry.second.rejoined; })) assign();
}

void Group::assign() {
  rebalancing_ = false;
  ++generation_;
  std::size_t place = 0;
  for (auto& [number, member] : members_) {
    member.generation = generation_;
    member.told = false;
    member.logs.clear();
    const int first = static_cast<int>(place) * shards_ / static_cast<int>(members_.size());
    const int last = static_cast<int>(++place) * shards_ / static_cast<int>(members_.size());
    for (const std::string& context : contexts_)
      for (int shard = first; shard < last; ++shard) member.logs.push_back({context, shard});
    universe_.say("group ", name_, ": shards ", first, " to ", last - 1, " belong to ", member.process->name);
  }
}

void Group::disturb() {
  universe_.say("group ", name_, " rebalances for no reason");
  start_rebalance();
}

const Process* Group::owner(int shard) const {
  for (const auto& [number, member] : members_)
    for (const LogId& log : member.logs)
      if (log.shard == shard) return member.process;
  return nullptr;
}

std::size_t SimGroupSource::poll(int, const Listener& listener) {
  if (!process_.touch()) return 0;
  if (!reaches()) return 0;
  rebalance(listener);
  Random& random = process_.universe->random;
  std::size_t records = 0;
  for (auto& [log, next] : next_) {
    const Partition& partition = group_.kafka().at(group_.topic(), log);
    if (paused_.contains(log)) continue;
    int64_t until = partition.high_watermark();
    if (random.permille(group_.kafka().faults().truncate)) until = std::min(until, next + random.between(0, 2));
    for (; next < until && !paused_.contains(log); ++records) {
      const RecordPtr record = partition.records[static_cast<std::size_t>(next)];
      const int64_t offset = next++;
      listener.record(log, record->at(offset));
    }
  }
  if (random.one_in(3)) send_positions();
  return records;
}

void SimGroupSource::rebalance(const Listener& listener) {
  const Group::Notice notice = group_.poll(member_);
  if (notice.revoke) {
    std::vector<LogId> logs;
    for (const auto& [log, next] : next_) logs.push_back(log);
    listener.revoked(logs);
    send_positions();
    next_.clear();
    paused_.clear();
    pending_.clear();
    member_ = group_.rejoin(member_);
    if (member_ < 0) member_ = group_.join(process_);
  } else if (notice.assigned) {
    std::vector<Assigned> assigned;
    for (const LogId& log : *notice.assigned) {
      const Group::Position& from = group_.position(log);
      next_[log] = from.offset;
      assigned.push_back({log, from.offset, from.note});
    }
    listener.assigned(assigned);
  }
}

void SimGroupSource::send_positions() {
  if (!process_.touch()) return;
  for (const auto& [log, position] : std::exchange(pending_, {}))
    if (!group_.commit(member_, log, position)) process_.universe->say(process_.name, ": a position of ", to_string(log), " is refused");
}

void SimGroupSource::leave() {
  send_positions();
  group_.leave(member_);
}

bool SimCommandSender::send(const std::vector<Command>& commands, int) {
  if (!process_.touch()) return false;
  if (!kafka_.up || !process_.reaches_kafka()) return false;
  Random& random = process_.universe->random;
  const RecordFaults& faults = kafka_.faults();
  int orphans = -1;  // the session of what is late
  bool all = true;
  for (const Command& command : commands) {
    process_.touch();
    Partition& to = kafka_.at(Topic::commands, {command.meta.context, shard_of(command.meta.aggregate_id, shards_)});
    if (all && random.permille(faults.lose)) {
      all = false;
      if (random.one_in(2)) orphans = kafka_.open_session(process_);
    }
    if (all) {
      if (random.permille(faults.duplicate)) kafka_.append_now(to, command_record(command));
      kafka_.append_now(to, command_record(command));
    } else if (orphans >= 0) {
      kafka_.produce(orphans, to, command_record(command));
    }
  }
  if (orphans >= 0) kafka_.orphan(orphans);
  return all && !random.permille(faults.lose_ack);
}

}  // namespace everfold::simulator
