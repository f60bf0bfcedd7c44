#include "tools/replay/folds/bound.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/log/stored_event.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {

Bound parse_bound(std::string_view text, std::string_view option) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return {std::nullopt, parse_when(text, option)};
  int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc{} || version < 1) throw UsageError(std::string(option) + ": versions count from 1");
  return {version, std::nullopt};
}

std::string to_string(const Bound& bound) {
  if (bound.version) return "version " + std::to_string(*bound.version);
  return bound.time_ms ? format_time(*bound.time_ms) : "its end";
}

bool StoodThen::admits(const EventMeta& meta) {
  int64_t& version = versions_[{meta.context, meta.aggregate_id}];
  if (meta.version != version + 1) return false;
  ++version;
  return true;
}

}  // namespace everfold::replay
