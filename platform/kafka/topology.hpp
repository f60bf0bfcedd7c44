// Topics of an installation: made when missing, and checked at every start, because a log that Kafka shortens, compacts or spreads
// over another number of partitions is no log any more.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/kafka/options.hpp"

namespace everfold::kafka {

// Creates the event and command topics of `contexts`, the parking topics of `consumers` (groups; compacted), the topology topic
// and the operations topic where they are missing. Returns why this program must not
// start on this cluster (another partition count or hash, compaction, finite retention), with the remedy; nothing when all is well.
// Throws std::runtime_error when Kafka cannot be reached within `timeout_ms`.
std::optional<std::string> ensure_topics(const KafkaOptions& options, const std::vector<std::string>& contexts,
                                         int timeout_ms, const std::vector<std::string>& consumers = {});

// The partition count of each of these contexts' event topics that is there. Makes nothing and changes nothing. Throws likewise.
std::map<std::string, int> event_partitions(const KafkaOptions& options, const std::vector<std::string>& contexts, int timeout_ms);

// Where a partition begins (0, unless somebody deleted records) and the offset that its next record will get.
struct Extent {
  int64_t begin = 0, end = 0;
};
// Of each of these partitions, in their order. Throws std::runtime_error when one cannot be asked.
std::vector<Extent> extents(const KafkaOptions& options, Topics topics, const std::vector<LogId>& logs, int timeout_ms);

}  // namespace everfold::kafka
