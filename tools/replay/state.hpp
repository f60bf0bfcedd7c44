// everfold-replay state: an aggregate as it stood.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_state(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
