// What a parking topic says, folded: which records are parked, and what was asked about them. Pure; the same for every
// reader of the same records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/parking/parked.hpp"

namespace everfold {

class ParkedTable {
 public:
  using Key = std::pair<LogId, std::string>;  // of an aggregate in its source log

  struct Slot {
    std::optional<Parked> parked;
    std::optional<Asked> retry, skip, looked;
    bool retry_is_due = false;  // nobody has tried since it was asked
    bool open() const { return parked && !parked->skipped; }
  };

  // Returns the aggregate whose parked records it is about, if any.
  std::optional<Key> apply(const ParkingRecord& record);

  const Slot* find(const ParkedId& id) const;
  bool closed(const Key& key) const { return open_.contains(key); }
  // The first parked records of an aggregate, in the order of their offsets.
  std::vector<ParkedId> first(const Key& key, std::size_t limit) const;
  std::size_t count(const Key& key) const;
  std::size_t open_in(const LogId& log) const;

  const std::map<ParkedId, Slot>& slots() const { return slots_; }
  const std::map<Key, std::set<int64_t>>& open() const { return open_; }  // offsets

 private:
  std::map<ParkedId, Slot> slots_;
  std::map<Key, std::set<int64_t>> open_;
  std::map<LogId, std::size_t> open_in_;
};

}  // namespace everfold
