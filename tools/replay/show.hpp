// everfold-replay show: one aggregate's events in every context that has it, or everything that one request began, as a
// tree.
#pragma once

#include <string>
#include <vector>

#include "tools/replay/causality.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_show(CLI::App& app, Tool& tool);

// For people, a line an event or command; `width` in characters, 0: as long as they are.
std::string timeline_text(const std::vector<LoggedEvent>& events, std::size_t width);
std::string tree_text(const std::vector<CommandNode>& roots, std::size_t width);
// {"commands": [{"id", "type"?, "context", "aggregateId", "time", "actor"?, "sent"?, "data"?, "events": [{…,
// "commands": […]}]}]}
std::string tree_json(const std::vector<CommandNode>& roots);

}  // namespace everfold::replay
