// What clients send back to the query API: Everfold-Position, If-None-Match, times, and the rows that it skims.
#include "runtime/log/position_token.hpp"

#include <google/protobuf/stubs/logging.h>

#include "kernel/log_reader.hpp"
#include "query-api/http/etag.hpp"
#include "query-api/orders/order_head.hpp"
#include "runtime/log/stored_event.hpp"
#include "schemas/orders/v1/views.pb.h"
#include "tests/fuzz/fuzz.hpp"

namespace everfold::fuzz {
namespace {

void try_position(std::string_view text) {
  const auto wanted = parse_position(text);
  if (!wanted) return check(wanted.error().code == Code::malformed, "a position is refused as something else");
  check(wanted.value().size() <= 1000, "a position names more logs than there may be");
  std::string written;
  for (const auto& [log, offset] : wanted.value()) {
    check(log.shard >= 0 && offset >= 0, "a position is below nothing");
    written += (written.empty() ? "" : ",") + to_string(log) + ":" + std::to_string(offset);
  }
  const auto again = parse_position(written);
  check(again && again.value() == wanted.value(), "a position is not what it is written as");
  check(
      written.size() <= text.size() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-.:,0123456789") == text.npos,
      "a position has more in it than it says");
}

void try_time(std::string_view text) {
  const auto time = parse_time(text);
  if (!time) return;
  const auto written = format_time(*time);
  check(parse_time(written) == time, "a time is not what it is written as");
}

void try_mark(std::string_view text) {
  if (const auto mark = parse_log_mark(text)) check(to_string(*mark) == text, "a mark is written in two ways");
}

void try_etag(std::string_view text) {
  if (query::names_etag(text, query::etag_of(7)))
    check(text.find("\"7\"") != text.npos || text.find('*') != text.npos, "a tag matches that is not there");
}

// A row is skimmed by hand; Protobuf's own parser is the measure.
void try_row(std::string_view bytes) {
  const google::protobuf::LogSilencer silence;  // of each text that is not UTF-8
  const auto head = query::order_head(bytes);
  orders::v1::OrderRow row;
  if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  check(head.has_value(), "a row cannot be skimmed");
  check(head->status == row.status(), "a row's status is skimmed wrongly");
  check(head->total == row.total().amount(), "a row's total is skimmed wrongly");
}

}  // namespace

void try_input(std::string_view input) {
  try_position(input);
  try_time(input);
  try_mark(input);
  try_etag(input);
  try_row(input);
}

}  // namespace everfold::fuzz
