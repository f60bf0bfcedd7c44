#include "tools/replay/output/event_json.hpp"

#include "platform/json/write.hpp"

namespace everfold::replay {
namespace {

void text(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  json::append_quoted(out, value);
}

void text_if_any(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) text(out, name, value);
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

}  // namespace

bool EventJson::append(std::string& out, const LogId& log, const StoredEvent& event) {
  const EventMeta& meta = event.meta;
  text(out, "{\"context\":", meta.context);
  text(out, ",\"aggregateId\":", meta.aggregate_id);
  out += ",\"version\":" + std::to_string(meta.version);
  text(out, ",\"type\":", meta.type);
  text(out, ",\"time\":", format_time(meta.time_ms));
  text(out, ",\"id\":", meta.id);
  text_if_any(out, ",\"correlationId\":", meta.correlation_id);
  text_if_any(out, ",\"causationId\":", meta.causation_id);
  text_if_any(out, ",\"actor\":", meta.actor);
  text(out, ",\"log\":", to_string(log));
  out += ",\"offset\":" + std::to_string(event.offset) + ",\"data\":";
  const bool decoded = append_data(out, event);
  if (!decoded) {
    out += ",\"undecodedHex\":\"";
    append_hex(out, event.bytes);
    out += '"';
  }
  out += '}';
  return decoded;
}

bool EventJson::append_data(std::string& out, const StoredEvent& event) {
  const auto* message = reader_.read(event.meta.context, event.meta.type, event.bytes);
  if (message)
    json::append_json(out, *message);
  else
    out += "null";
  return message != nullptr;
}

}  // namespace everfold::replay
