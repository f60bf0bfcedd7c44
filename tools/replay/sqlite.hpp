// everfold-replay sqlite: the history as an SQLite database, for any SQL tool.
//
// One table an event type and one a view, their columns from the Protobuf descriptors (tools/replay/sql_tables.hpp). It
// is written to OUT.db.part and gets its name when it is whole and on the disk: a crash leaves OUT.db.part behind,
// which is no database yet, and the next run begins anew over it; nothing is resumed.
#pragma once

#include "tools/replay/tool.hpp"

namespace everfold::replay {

void add_sqlite(CLI::App& app, Tool& tool);

}  // namespace everfold::replay
