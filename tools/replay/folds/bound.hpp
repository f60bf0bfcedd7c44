// A point in an aggregate's history: a version, a time, or its end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "kernel/meta.hpp"

namespace everfold::replay {

// At most one of the two. The state at a time is what the query API's ?asOf shows: the fold up to the first event that
// is later, though clocks of two nodes disagree.
struct Bound {
  std::optional<int64_t> version;  // from 1
  std::optional<int64_t> time_ms;  // inclusive

  bool admits(const EventMeta& meta) const {
    return (!version || meta.version <= *version) && (!time_ms || meta.time_ms <= *time_ms);
  }
  bool operator==(const Bound&) const = default;
};

// Digits alone are a version, anything else a time (tools/replay/tool.hpp). Throws UsageError that names `option`.
Bound parse_bound(std::string_view text, std::string_view option);
std::string to_string(const Bound& bound);  // "version 7", "2026-12-03T10:00:00.000Z", "its end"

// What was there by a time, of many aggregates, when later events have been left out of what is read: up to an
// aggregate's first gap of versions. Keeps the last version of every aggregate: some 150 bytes each.
class StoodThen {
 public:
  bool admits(const EventMeta& meta);

 private:
  std::map<std::pair<std::string, std::string>, int64_t> versions_;  // context, aggregate
};

}  // namespace everfold::replay
