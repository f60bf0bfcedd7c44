// Where consumer groups stand, seen from outside.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "platform/kafka/options.hpp"

namespace everfold::kafka {

struct GroupPosition {
  int64_t offset = 0;  // of the next record to handle
  std::string note;    // beside it, see runtime/log/group_source.hpp
};
using GroupPositions = std::map<LogId, GroupPosition>;

// Of `group` (without the prefix) in these logs, all of which have a topic; without those where it has none. Throws
// std::runtime_error when Kafka does not tell within `timeout_ms`.
GroupPositions group_positions(const KafkaOptions& options, const std::string& group, Topics topics,
                               const std::vector<LogId>& logs, int timeout_ms);

}  // namespace everfold::kafka
