#include "runtime/log/stored_event.hpp"

#include <array>
#include <charconv>

#include "kernel/check.hpp"
#include "kernel/codec.hpp"
#include "runtime/writer/command.hpp"
#include "schemas/log/v1/log.pb.h"

namespace everfold {
namespace {

constexpr std::string_view protobuf_content_type = "application/protobuf";

int64_t number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

void add_if_any(OutgoingRecord& record, const char* name, const std::string& value) {
  if (!value.empty()) record.headers.emplace_back(name, value);
}

}  // namespace

std::string to_string(const LogId& log) { return log.context + "." + std::to_string(log.shard); }

std::string_view RecordView::header(std::string_view name) const {
  for (const auto& [key_name, text] : headers)
    if (key_name == name) return text;
  return {};
}

OutgoingRecord event_record(const StoredEvent& event, const LogMark& mark) {
  const EventMeta& meta = event.meta;
  OutgoingRecord record{meta.aggregate_id, event.bytes, {}};
  record.headers.reserve(14);
  record.headers.emplace_back("ce_log", to_string(mark));  // first, so that a reader finds it at index 0
  record.headers.emplace_back("ce_specversion", "1.0");
  record.headers.emplace_back("ce_id", meta.id);
  record.headers.emplace_back("ce_type", meta.type);
  record.headers.emplace_back("ce_source", "/everfold/" + meta.context);
  record.headers.emplace_back("ce_subject", meta.aggregate_id);
  record.headers.emplace_back("ce_time", format_time(meta.time_ms));
  record.headers.emplace_back("content-type", protobuf_content_type);
  record.headers.emplace_back("ce_sequence", std::to_string(meta.version));
  add_if_any(record, "ce_correlationid", meta.correlation_id);
  add_if_any(record, "ce_causationid", meta.causation_id);
  add_if_any(record, "traceparent", meta.traceparent);
  add_if_any(record, "ce_actor", meta.actor);
  add_if_any(record, "ce_commanddigest", event.digest);
  return record;
}

OutgoingRecord term_record(const LogId& log, int64_t term, std::string_view owner, std::string_view url,
                           std::string_view nonce, int64_t time_ms) {
  log::v1::TermStarted message;
  message.set_term(term);
  message.set_owner(std::string(owner));
  message.set_url(std::string(url));
  message.set_nonce(std::string(nonce));
  OutgoingRecord record{to_string(log), message.SerializeAsString(), {}};
  record.headers = {{"ce_type", std::string(term_started_type)},
                    {"ce_specversion", "1.0"},
                    {"ce_id", std::string(nonce)},
                    {"ce_source", "/everfold/" + log.context},
                    {"ce_time", format_time(time_ms)},
                    {"content-type", std::string(protobuf_content_type)}};
  return record;
}

std::optional<LogMark> log_mark_of(const RecordView& record) {
  if (record.headers.empty() || record.headers.front().first != "ce_log") return std::nullopt;
  return parse_log_mark(record.headers.front().second);
}

std::optional<TermStartedMark> term_started_of(const RecordView& record) {
  if (record.header("ce_type") != term_started_type) return std::nullopt;
  log::v1::TermStarted message;
  if (!message.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())) || message.term() < 1)
    return std::nullopt;
  return TermStartedMark{message.term(), message.owner(), message.url(), message.nonce()};
}

uint64_t origin_of(const RecordView& first) {
  uint64_t digest = 0xcbf29ce484222325;  // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
  for (const std::string_view part : {first.key, first.value, first.header("ce_id")})
    for (const char byte : part) digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return digest == 0 ? 1 : digest;
}

StoredEvent event_of(const RecordView& record, const std::string& context) {
  StoredEvent event;
  read_event(record, context, event);
  return event;
}

void read_event(const RecordView& record, const std::string& context, StoredEvent& into) {
  into.bytes = record.value;
  into.offset = record.offset;
  into.digest.clear();
  into.copied = false;
  EventMeta& meta = into.meta;
  meta.context = context;
  meta.aggregate_id = record.key;
  meta.version = meta.time_ms = 0;
  for (std::string* text : {&meta.id, &meta.type, &meta.correlation_id, &meta.causation_id, &meta.traceparent, &meta.actor})
    text->clear();
  for (const auto& [name, value] : record.headers) {
    if (name == "ce_id") meta.id = value;
    else if (name == "ce_type") meta.type = value;
    else if (name == "ce_sequence") meta.version = number_of(value);
    else if (name == "ce_time") meta.time_ms = parse_time(value).value_or(0);
    else if (name == "ce_correlationid") meta.correlation_id = value;
    else if (name == "ce_causationid") meta.causation_id = value;
    else if (name == "traceparent") meta.traceparent = value;
    else if (name == "ce_actor") meta.actor = value;
    else if (name == "ce_commanddigest") into.digest = value;
    else if (name == copied_from_header) into.copied = true;
  }
}

OutgoingRecord command_record(const Command& command) {
  const CommandMeta& meta = command.meta;
  OutgoingRecord record{meta.aggregate_id, command.bytes, {}};
  record.headers = {{"ce_specversion", "1.0"},
                    {"ce_id", meta.id},
                    {"ce_type", command.type},
                    {"ce_source", "/everfold/" + meta.context},
                    {"ce_subject", meta.aggregate_id},
                    {"ce_time", format_time(meta.time_ms)},
                    {"content-type", std::string(protobuf_content_type)}};
  add_if_any(record, "ce_correlationid", meta.correlation_id);
  add_if_any(record, "ce_causationid", meta.causation_id);
  add_if_any(record, "traceparent", meta.traceparent);
  add_if_any(record, "ce_actor", meta.actor);
  return record;
}

std::optional<Command> command_of(const RecordView& record, const std::string& context) {
  Command command;
  command.bytes = std::string(record.value);
  command.type = std::string(record.header("ce_type"));
  CommandMeta& meta = command.meta;
  meta.context = context;
  meta.aggregate_id = std::string(record.key);
  meta.id = std::string(record.header("ce_id"));
  meta.time_ms = parse_time(record.header("ce_time")).value_or(0);
  meta.correlation_id = std::string(record.header("ce_correlationid"));
  meta.causation_id = std::string(record.header("ce_causationid"));
  meta.traceparent = std::string(record.header("traceparent"));
  meta.actor = std::string(record.header("ce_actor"));
  if (meta.id.empty() || meta.aggregate_id.empty() || command.type.empty()) return std::nullopt;
  return command;
}

std::string format_time(int64_t time_ms) {
  const int64_t day_ms = 86'400'000;
  int64_t days = time_ms / day_ms, rest = time_ms % day_ms;
  if (rest < 0) rest += day_ms, --days;
  // Civil date from days since 1970, http://howardhinnant.github.io/date_algorithms.html#civil_from_days
  const int64_t z = days + 719'468;
  const int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  const int64_t doe = z - era * 146'097;
  const int64_t yoe = (doe - doe / 1'460 + doe / 36'524 - doe / 146'096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&](std::size_t at, int digits, int64_t value) {
    for (std::size_t i = at + static_cast<std::size_t>(digits); i-- > at; value /= 10)
      text[i] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, year);
  put(5, 2, month);
  put(8, 2, day);
  put(11, 2, rest / 3'600'000);
  put(14, 2, rest / 60'000 % 60);
  put(17, 2, rest / 1'000 % 60);
  put(20, 3, rest % 1'000);
  return text;
}

std::optional<int64_t> parse_time(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t digits) -> std::optional<int64_t> {
    if (at + digits > text.size()) return std::nullopt;
    int64_t value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const auto is = [&](std::size_t at, std::string_view any) { return at < text.size() && any.find(text[at]) != any.npos; };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2), hour = number(11, 2), minute = number(14, 2),
             second = number(17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (!is(4, "-") || !is(7, "-") || !is(10, "Tt") || !is(13, ":") || !is(16, ":")) return std::nullopt;
  const bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
  constexpr std::array<int64_t, 12> month_days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (*month < 1 || *month > 12) return std::nullopt;
  const int64_t last_day = month_days[static_cast<std::size_t>(*month - 1)] + (*month == 2 && leap ? 1 : 0);
  if (*day < 1 || *day > last_day || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::size_t at = 19;
  int64_t milliseconds = 0;
  if (is(at, ".")) {
    const std::size_t first = ++at;
    for (int64_t unit = 100; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10)
      milliseconds += unit * (text[at] - '0');
    if (at == first || at - first > 9) return std::nullopt;
  }
  int64_t zone_minutes = 0;
  if (is(at, "Zz")) {
    ++at;
  } else if (is(at, "+-")) {
    const auto zone_hour = number(at + 1, 2), zone_minute = number(at + 4, 2);
    if (!zone_hour || !zone_minute || !is(at + 3, ":") || *zone_hour > 23 || *zone_minute > 59) return std::nullopt;
    zone_minutes = (*zone_hour * 60 + *zone_minute) * (text[at] == '-' ? -1 : 1);
    at += 6;
  } else {
    return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  // Days from civil, the inverse of the above.
  const int64_t y = *month <= 2 ? *year - 1 : *year;
  const int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
  const int64_t doy = (153 * (*month > 2 ? *month - 3 : *month + 9) + 2) / 5 + *day - 1;
  const int64_t days = era * 146'097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719'468;
  const int64_t time_ms = ((days * 24 + *hour) * 60 + *minute - zone_minutes) * 60'000 + *second * 1'000 + milliseconds;
  // A zone or a leap second may lead out of the four digits that a year has.
  constexpr int64_t first_ms = -62'167'219'200'000, last_ms = 253'402'300'799'999;
  if (time_ms < first_ms || time_ms > last_ms) return std::nullopt;
  return time_ms;
}

}  // namespace everfold
