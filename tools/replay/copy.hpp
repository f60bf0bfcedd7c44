// everfold-replay copy: the accepted history into other topics, another cluster, or more partitions.
//
// What is copied how, and what a kill at any moment costs: tools/replay/copying/copy_target.hpp. An Everfold may go on from the
// copy of a source that was at rest (tools/replay/history/at_rest.hpp). Nothing is done a second time there: translators know
// copied events and leave them alone.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_copy(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
