// The views of today's code, by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/views/view.hpp"

namespace everfold::replay {

// Throws UsageError that lists the names.
std::unique_ptr<View> view_named(const std::string& name);
// Of these contexts; no context: of all. No name: all but the history, whose rows are the events.
std::vector<std::unique_ptr<View>> chosen_views(const std::vector<std::string>& names,
                                                const std::vector<std::string>& contexts);

}  // namespace everfold::replay
