#include "runtime/parking/parked_table.hpp"

namespace everfold {

std::optional<ParkedTable::Key> ParkedTable::apply(const ParkingRecord& record) {
  const auto at = slots_.try_emplace(record.at).first;
  Slot& slot = at->second;
  std::optional<Key> key;
  if (slot.parked) key = Key{record.at.log, slot.parked->aggregate_id};
  const bool was_open = slot.open();
  switch (record.kind) {
    case ParkingRecord::Kind::parked:
      slot.parked = record.parked;
      slot.retry_is_due = false;
      break;
    case ParkingRecord::Kind::retry:
      slot.retry = record.asked;
      slot.retry_is_due = record.asked.has_value();
      break;
    case ParkingRecord::Kind::skip:
      slot.skip = record.asked;
      break;
    case ParkingRecord::Kind::looked:
      slot.looked = record.asked;
      break;
  }
  if (slot.parked) key = Key{record.at.log, slot.parked->aggregate_id};
  if (!was_open && slot.open()) {
    open_[*key].insert(record.at.offset);
    ++open_in_[record.at.log];
  }
  if (was_open && !slot.open()) {
    auto& offsets = open_[*key];
    offsets.erase(record.at.offset);
    if (offsets.empty()) open_.erase(*key);
    --open_in_[record.at.log];
  }
  if (!slot.parked && !slot.retry && !slot.skip && !slot.looked) slots_.erase(at);
  return key;
}

const ParkedTable::Slot* ParkedTable::find(const ParkedId& id) const {
  const auto found = slots_.find(id);
  return found == slots_.end() ? nullptr : &found->second;
}

std::vector<ParkedId> ParkedTable::first(const Key& key, std::size_t limit) const {
  std::vector<ParkedId> ids;
  const auto found = open_.find(key);
  if (found == open_.end()) return ids;
  for (const int64_t offset : found->second) {
    if (ids.size() >= limit) break;
    ids.push_back({key.first, offset});
  }
  return ids;
}

std::size_t ParkedTable::count(const Key& key) const {
  const auto found = open_.find(key);
  return found == open_.end() ? 0 : found->second.size();
}

std::size_t ParkedTable::open_in(const LogId& log) const {
  const auto found = open_in_.find(log);
  return found == open_in_.end() ? 0 : found->second;
}

}  // namespace everfold
