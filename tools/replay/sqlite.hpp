// everfold-replay sqlite: the history as an SQLite database, for any SQL tool.
//
// One table an event type and one a view, their columns from the Protobuf descriptors (tools/replay/tables/sql_tables.hpp). It
// is written to OUT.db.part and gets its name when it is whole; the same command goes on from what an interruption left
// (tools/replay/tables/sqlite_part.hpp).
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_sqlite(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
