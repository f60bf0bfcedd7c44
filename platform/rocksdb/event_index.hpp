// A writer's index of its logs in RocksDB. Written without fsync: after a crash of the process nothing is missing, after a crash of the
// machine the end may be, and is read again from Kafka: a position is written after the events before it, never ahead of them.
#pragma once

#include <memory>
#include <string>

#include "runtime/event_index.hpp"

namespace everfold::rocks {

// Throws std::runtime_error with the remedy when the directory cannot be opened (held by another process, damaged).
std::unique_ptr<EventIndex> open_event_index(const std::string& directory);

}  // namespace everfold::rocks
