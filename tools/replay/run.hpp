// everfold-replay run: a view as today's code folds it, over all of the history or a part of it, in a folder of its
// own.
//
// What is interrupted in a folder of the user's goes on from there (tools/replay/folds/scratch_views.hpp); a temporary one
// goes away.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_run(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
