// How far a dump into a file has come, beside it (FILE.part.state), so that the same command goes on after it was
// stopped or killed. It is written after the bytes that it counts are on the disk: a crash between leaves a part that is
// longer, and is cut to what the state says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "runtime/log/event_log.hpp"

namespace everfold::replay {

struct DumpState {
  std::string command;  // what was asked for: another one does not go on from here
  int64_t length = 0;   // bytes of FILE.part
  int64_t events = 0;
  std::map<LogId, int64_t> offsets;  // behind the last commit that was written
  bool operator==(const DumpState&) const = default;

  std::string text() const;
  static std::optional<DumpState> parse(const std::string& text);  // nothing: not what text() wrote
};

std::optional<DumpState> load_dump_state(const std::string& file);
void save_dump_state(const std::string& file, const DumpState& state);  // throws std::runtime_error
void remove_dump_state(const std::string& file);

}  // namespace everfold::replay
