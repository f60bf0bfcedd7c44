// everfold-replay stats: how many events, how fast, how large; by type, context and time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "runtime/log/log_tail.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_stats(CLI::App& app, Tool& tool);

struct Tally {
  int64_t events = 0;
  int64_t bytes = 0;  // of the Protobuf messages, without headers
  int64_t first_ms = 0, last_ms = 0;

  void add(const StoredEvent& event);
  // A second: over the time from the first to the last; 0 when that is none.
  double rate() const;
};

class Statistics {
 public:
  void add(const StoredEvent& event);

  const Tally& all() const { return all_; }
  int64_t aggregates() const { return aggregates_; }  // that began: events of version 1

  // `by`: which of type, context, hour, day; `width` of the terminal.
  std::string text(const std::vector<std::string>& by, std::size_t width) const;
  std::string json(const std::vector<std::string>& by) const;

 private:
  using Groups = std::map<std::string, Tally, std::less<>>;
  Groups groups(std::string_view by) const;

  Tally all_;
  int64_t aggregates_ = 0;
  std::map<std::string, Tally, std::less<>> types_;
  std::map<int64_t, Tally> minutes_;  // by minutes since 1970
};

}  // namespace everfold::replay
