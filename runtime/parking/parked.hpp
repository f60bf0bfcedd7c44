// What a consumer could not handle, and what operators ask about it (docs/decisions/0014-parked-keys.md).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/log/event_log.hpp"

namespace everfold {

// A record of one of the consumer's source topics.
struct ParkedId {
  LogId log;
  int64_t offset = 0;
  auto operator<=>(const ParkedId&) const = default;
};
std::string to_string(const ParkedId& id);  // "orders.3:1042"
std::optional<ParkedId> parse_parked_id(std::string_view text);

enum class ParkedWhy {
  refused,      // needs somebody
  unavailable,  // may pass: tried again by itself
  behind,       // waits for the first of its aggregate
};
std::string_view to_string(ParkedWhy why);

struct Asked {
  std::string by;
  std::string reason;
  int64_t at_ms = 0;
};

// A pointer: the payload stays in the source topic.
struct Parked {
  ParkedId at;
  std::string aggregate_id;  // empty: the record has no key
  std::string type;
  std::string id;  // ce_id
  std::string correlation_id;
  ParkedWhy why = ParkedWhy::refused;
  std::string message;
  int tries = 0;
  int64_t parked_at_ms = 0;  // since 1970
  int64_t tried_at_ms = 0;
  std::optional<Asked> skipped;  // over
};

// A record of the parking topic: a Parked, something asked about one, or the end of either (no value).
struct ParkingRecord {
  enum class Kind { parked, retry, skip, looked };
  Kind kind = Kind::parked;
  ParkedId at;
  std::optional<Parked> parked;  // of Kind::parked
  std::optional<Asked> asked;    // of the others
};
OutgoingRecord parking_record(const ParkingRecord& record);
// Nothing: not one of these. `shard`: the partition that it lies in.
std::optional<ParkingRecord> parking_record_of(int shard, std::string_view key, std::string_view value);

}  // namespace everfold
