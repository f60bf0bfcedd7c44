// everfold-replay saga --dry-run PROCESS: what today's translators and decider would do with the history, beside what
// was done.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_saga(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
