// everfold-replay schema: the event types that this version reads, and how.
#pragma once

#include <string>

#include "schemas/registry.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_schema(CLI::App& app, Tool& tool);

// A context's types, the newest first, each with its golden bytes and, when it is a former version, the upcasters that
// it is read by.
std::string schema_lines(const schemas::ContextEvents& context, bool as_json);

}  // namespace everfold::replay
