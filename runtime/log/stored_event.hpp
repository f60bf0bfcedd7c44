// An event as it lies in a log, and its CloudEvents headers (binary mode).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernel/log_reader.hpp"
#include "kernel/meta.hpp"
#include "runtime/log/event_log.hpp"

namespace everfold {

struct StoredEvent {
  EventMeta meta;
  std::string bytes;   // the Protobuf message that meta.type names
  std::string digest;  // of the request that caused it (ce_commanddigest), see CommandMeta
  int64_t offset = 0;
  bool copied = false;  // from another log (ce_copiedfrom): what it causes has been done there, and is not done again here
};

// Of what `everfold-replay copy` wrote: where the event lay.
inline constexpr std::string_view copied_from_header = "ce_copiedfrom";
inline constexpr std::string_view term_started_type = "everfold.log.TermStarted.v1";

OutgoingRecord event_record(const StoredEvent& event, const LogMark& mark);
OutgoingRecord term_record(const LogId& log, int64_t term, std::string_view owner, std::string_view url,
                           std::string_view nonce, int64_t time_ms);

struct TermStartedMark {
  int64_t term = 0;
  std::string owner, url, nonce;
};

// What a record of an event topic is. Nothing fits: it was not written by Everfold, and is void for every reader.
std::optional<LogMark> log_mark_of(const RecordView& record);            // an event record
std::optional<TermStartedMark> term_started_of(const RecordView& record);
// Tells a log from any other by its first record, a TermStarted with a nonce. Never 0.
uint64_t origin_of(const RecordView& first);
StoredEvent event_of(const RecordView& record, const std::string& context);
// The same into an event that was used before: its memory is used again. What folds millions saves half its time by that.
void read_event(const RecordView& record, const std::string& context, StoredEvent& into);

std::string format_time(int64_t time_ms);                     // RFC 3339, UTC, milliseconds: "2026-01-31T12:00:00.000Z"
std::optional<int64_t> parse_time(std::string_view rfc3339);  // ms since 1970; any offset, up to 9 fraction digits

}  // namespace everfold
