// everfold-replay diff: what changed of an aggregate between two moments, and by which events.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_diff(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
