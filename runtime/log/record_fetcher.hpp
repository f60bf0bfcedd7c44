// The port that reads one record again: what was parked is a pointer. Kafka's is platform/kafka/record_fetcher.cpp.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/log/event_log.hpp"

namespace everfold {

class RecordFetcher {
 public:
  virtual ~RecordFetcher() = default;
  // The record at this very offset of the partition. Nothing: it could not be read within the timeout. One thread.
  virtual std::optional<OutgoingRecord> fetch(const LogId& log, int64_t offset, int timeout_ms) = 0;
};

}  // namespace everfold
