// What a long operation was asked for, kept with what it has made so far: only a run that is asked the same goes on
// from there.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace everfold::replay {

using Asked = std::map<std::string, std::string>;  // "": not given, as if it were not there

// Of one thing that is not the same: "\"as of\" was 2026-12-03T00:00:00.000Z and is not given now". Nothing: all is.
std::optional<std::string> difference(const Asked& before, const Asked& now);
// Throws UsageError. `place`: what lies there, "shop.db.part"; `another`: of which one may give another, "file".
[[noreturn]] void refuse_to_go_on(const std::string& place, const std::string& why, const std::string& another);

std::string to_json(const Asked& asked);
Asked asked_of(const std::string& json);  // empty: not what to_json() wrote

}  // namespace everfold::replay
