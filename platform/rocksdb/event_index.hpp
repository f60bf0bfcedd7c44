// A writer's index of its logs in RocksDB. What lies on the disk is how the index once was, whole: after a crash it goes on from there, and
// reads the rest again from Kafka. Files that are damaged, half deleted or of another format are set aside (`<directory>/damaged`, the
// last ones) when the index is opened. Damage met later ends the program with a sentence and leaves a mark, so that the next start
// rebuilds; a disk that is full or ailing ends it too.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/writer/event_index.hpp"

namespace everfold::rocks {

struct IndexMemory {
  std::size_t block_cache_bytes = 64u << 20;
  // Near the cache's size: inserting is most of a writer's work in RocksDB. As much is read again from Kafka after a crash.
  std::size_t write_buffer_bytes = 16u << 20;
};
using IndexSay = std::function<void(std::string_view sentence)>;  // to the operator

// Throws std::runtime_error with the remedy for what rebuilding cannot cure: another process uses the directory, the disk is full or not
// to be written.
std::unique_ptr<EventIndex> open_event_index(const std::string& directory, const IndexSay& say, const IndexMemory& memory = {});

}  // namespace everfold::rocks
