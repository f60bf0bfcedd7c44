// everfold-replay run: a view as today's code folds it, over all of the history or a part of it, in a folder of its
// own.
//
// A fold that is interrupted leaves nothing behind; one that died leaves a generation without its pointer, which the
// next run into the same folder removes. Nothing is resumed.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_run(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
