// everfold-replay dump: the accepted events, one after another.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_dump(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
