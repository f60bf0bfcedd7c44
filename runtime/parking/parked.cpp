#include "runtime/parking/parked.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "schemas/parking/v1/parking.pb.h"

namespace everfold {
namespace {

using Kind = ParkingRecord::Kind;
constexpr std::array<std::pair<Kind, std::string_view>, 4> kinds{
    {{Kind::parked, "parked"}, {Kind::retry, "retry"}, {Kind::skip, "skip"}, {Kind::looked, "looked"}}};

template <class Number>
bool whole_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size() && out >= 0;
}

parking::v1::Parked::Why stored(ParkedWhy why) {
  switch (why) {
    case ParkedWhy::refused:
      return parking::v1::Parked::REFUSED;
    case ParkedWhy::unavailable:
      return parking::v1::Parked::UNAVAILABLE;
    case ParkedWhy::behind:
      return parking::v1::Parked::BEHIND;
  }
  return parking::v1::Parked::WHY_UNSPECIFIED;
}

// A reason of a later version needs somebody, as far as this one can tell.
ParkedWhy known(parking::v1::Parked::Why why) {
  if (why == parking::v1::Parked::UNAVAILABLE) return ParkedWhy::unavailable;
  if (why == parking::v1::Parked::BEHIND) return ParkedWhy::behind;
  return ParkedWhy::refused;
}

void write(const Asked& asked, parking::v1::Asked& out) {
  out.set_by(asked.by);
  out.set_reason(asked.reason);
  out.set_at_ms(asked.at_ms);
}

Asked read(const parking::v1::Asked& stored) { return {stored.by(), stored.reason(), stored.at_ms()}; }

std::string bytes(const Parked& parked) {
  parking::v1::Parked out;
  out.set_context(parked.at.log.context);
  out.set_shard(parked.at.log.shard);
  out.set_offset(parked.at.offset);
  out.set_aggregate_id(parked.aggregate_id);
  out.set_type(parked.type);
  out.set_id(parked.id);
  out.set_correlation_id(parked.correlation_id);
  out.set_why(stored(parked.why));
  out.set_message(parked.message);
  out.set_tries(parked.tries);
  out.set_parked_at_ms(parked.parked_at_ms);
  out.set_tried_at_ms(parked.tried_at_ms);
  if (parked.skipped) write(*parked.skipped, *out.mutable_skipped());
  return out.SerializeAsString();
}

std::optional<Parked> parked_of(const ParkedId& at, std::string_view value) {
  parking::v1::Parked in;
  if (!in.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  Parked out{at,           in.aggregate_id(), in.type(),         in.id(),          in.correlation_id(), known(in.why()),
             in.message(), in.tries(),        in.parked_at_ms(), in.tried_at_ms(), std::nullopt};
  if (in.has_skipped()) out.skipped = read(in.skipped());
  return out;
}

std::optional<Asked> asked_of(std::string_view value) {
  parking::v1::Asked in;
  if (!in.ParseFromArray(value.data(), static_cast<int>(value.size()))) return std::nullopt;
  return read(in);
}

}  // namespace

std::string to_string(const ParkedId& id) { return to_string(id.log) + ":" + std::to_string(id.offset); }

std::optional<ParkedId> parse_parked_id(std::string_view text) {
  const std::size_t dot = text.find('.');
  const std::size_t colon = text.rfind(':');
  if (dot == text.npos || colon == text.npos || dot == 0 || colon < dot) return std::nullopt;
  ParkedId id;
  id.log.context = text.substr(0, dot);
  if (!whole_number(text.substr(dot + 1, colon - dot - 1), id.log.shard)) return std::nullopt;
  if (!whole_number(text.substr(colon + 1), id.offset)) return std::nullopt;
  return id;
}

std::string_view to_string(ParkedWhy why) {
  switch (why) {
    case ParkedWhy::refused:
      return "refused";
    case ParkedWhy::unavailable:
      return "unavailable";
    case ParkedWhy::behind:
      return "behind";
  }
  return "refused";
}

OutgoingRecord parking_record(const ParkingRecord& record) {
  std::string key(kinds[static_cast<std::size_t>(record.kind)].second);
  key += ":" + record.at.log.context + ":" + std::to_string(record.at.offset);
  std::string value;
  if (record.parked) value = bytes(*record.parked);
  if (record.asked) {
    parking::v1::Asked out;
    write(*record.asked, out);
    value = out.SerializeAsString();
  }
  return {std::move(key), std::move(value), {}};
}

std::optional<ParkingRecord> parking_record_of(int shard, std::string_view key, std::string_view value) {
  const std::size_t first = key.find(':');
  const std::size_t last = key.rfind(':');
  if (first == key.npos || last == first) return std::nullopt;
  for (const auto& [kind, name] : kinds) {
    if (key.substr(0, first) != name) continue;
    ParkingRecord record;
    record.kind = kind;
    record.at.log = {std::string(key.substr(first + 1, last - first - 1)), shard};
    if (!whole_number(key.substr(last + 1), record.at.offset)) return std::nullopt;
    if (value.empty()) return record;
    if (kind == Kind::parked) record.parked = parked_of(record.at, value);
    else record.asked = asked_of(value);
    if (!record.parked && !record.asked) return std::nullopt;
    return record;
  }
  return std::nullopt;
}

}  // namespace everfold
