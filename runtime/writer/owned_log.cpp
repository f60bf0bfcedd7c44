#include "runtime/writer/owned_log.hpp"

#include <algorithm>

namespace everfold {

std::vector<Reply> PendingCommit::take_late(int64_t now_ms) {
  std::vector<Reply> late;
  for (QueuedCommand& caller : callers)
    if (caller.is_due(now_ms) && caller.reply) late.push_back(std::exchange(caller.reply, nullptr));
  callers.erase(std::remove_if(callers.begin() + 1, callers.end(), [](const QueuedCommand& caller) { return !caller.reply; }), callers.end());
  return late;
}

CachedState* StateCache::find(const std::string& aggregate_id) {
  const auto at = by_id_.find(aggregate_id);
  if (at == by_id_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return &at->second->second;
}

CachedState& StateCache::insert(const std::string& aggregate_id, CachedState state) {
  entries_.emplace_front(aggregate_id, std::move(state));
  by_id_[aggregate_id] = entries_.begin();
  return entries_.front().second;
}

void StateCache::erase(const std::string& aggregate_id) {
  const auto at = by_id_.find(aggregate_id);
  if (at == by_id_.end()) return;
  entries_.erase(at->second);
  by_id_.erase(at);
}

void StateCache::clear() {
  entries_.clear();
  by_id_.clear();
}

void StateCache::shrink(std::size_t size, int64_t confirmed_commit) {
  for (auto at = entries_.end(); entries_.size() > size && at != entries_.begin();) {
    --at;
    if (at->second.last_commit > confirmed_commit) continue;
    by_id_.erase(at->first);
    at = entries_.erase(at);
  }
}

}  // namespace everfold
