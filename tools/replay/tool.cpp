#include "tools/replay/tool.hpp"

#include "tools/replay/history/event_types.hpp"

namespace everfold::replay {

History Tool::history() const { return History(kafka, event_contexts(), cache_dir); }

int64_t parse_when(std::string_view text, std::string_view option) {
  if (const auto time = parse_time(text)) return *time;
  if (const auto day = parse_time(std::string(text) + "T00:00:00Z")) return *day;
  throw UsageError(std::string(option) + " " + std::string(text) +
                   ": give a time by RFC 3339, such as 2026-12-03T09:30:00Z, or a day, such as 2026-12-03");
}

std::optional<int64_t> parse_when_given(const std::string& text, std::string_view option) {
  if (text.empty()) return std::nullopt;
  return parse_when(text, option);
}

}  // namespace everfold::replay
