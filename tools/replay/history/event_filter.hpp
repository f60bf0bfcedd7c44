// Which events a command is about: the options that say so, what they want of History, and the test of one event.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/replay/history/history.hpp"
#include "tools/replay/output/event_json.hpp"
#include "tools/replay/output/jq.hpp"

namespace CLI {
class App;
}

namespace everfold::replay {

struct FilterOptions {
  std::vector<std::string> contexts, types;
  std::string aggregate, actor, correlation;
  std::string from, to;  // see parse_when
  std::string offsets_file;
  std::string where;
};
// --context --type --aggregate --actor --correlation --from --to --offsets --where
void add_filter_options(CLI::App& app, FilterOptions& options);

class EventFilter {
 public:
  // Throws UsageError: a type that does not exist, a time that is none, … `history`: knows the logs.
  EventFilter(const FilterOptions& options, History& history);

  const Wanted& wanted() const { return wanted_; }
  bool passes(const EventMeta& meta) const;
  // The same with --where, which needs the event as JSON: `json` is left with it when there is such an expression,
  // otherwise empty.
  bool passes(const LogId& log, const StoredEvent& event, EventJson& maker, std::string& json);
  // What is to be said about --where when everything has been read; empty: nothing.
  std::string where_note() const;

 private:
  Wanted wanted_;
  std::set<std::string, std::less<>> types_;  // as given: whole names, or the name that all versions have
  std::string actor_, correlation_;
  std::optional<Jq> where_;
};

// {"orders.3": [100, 200], "orders.4": 1042}: from the first to before the second, or to the end. Throws UsageError.
std::map<LogId, std::pair<int64_t, int64_t>> parse_offsets(std::string_view json, std::string_view option);
std::optional<LogId> parse_log_id(std::string_view text);  // "orders.3"

}  // namespace everfold::replay
