#include "tools/replay/copying/event_map.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "kernel/codec.hpp"
#include "platform/json/parse.hpp"
#include "tools/replay/history/event_types.hpp"

namespace everfold::replay {
namespace {

using Json = nlohmann::json;

constexpr int64_t most_in_a_double = int64_t{1} << 53;

bool fits_jq(const Json& value) {
  if (value.is_number_integer()) return value <= most_in_a_double && value >= -most_in_a_double;
  return !value.is_structured() || std::ranges::all_of(value, fits_jq);
}

std::runtime_error wrong(const StoredEvent& event, const std::string& what) {
  return std::runtime_error("--map: event " + event.meta.id + " (" + event.meta.type + "): " + what);
}

std::unique_ptr<google::protobuf::Message> empty_message(const std::string& type) {
  const auto known = std::ranges::find(event_types(), type, &EventType::type);
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(known->descriptor)->New());
}

}  // namespace

EventMap::EventMap(const std::string& program) : jq_(program, "--map") {}

void EventMap::apply(const LogId& log, StoredEvent& event) {
  std::string text;
  if (!maker_.append(text, log, event)) throw wrong(event, "this version of Everfold cannot decode it");
  const Json before = Json::parse(text);
  if (!fits_jq(before["data"])) throw wrong(event, "it has an integer above 2^53, which jq would round");
  const int64_t failures = jq_.failures();
  const auto made = jq_.apply(text);
  if (jq_.failures() != failures) throw wrong(event, "jq says: " + jq_.first_failure());
  if (made.size() != 1 || made.front().front() != '{')
    throw wrong(event,
                "the expression must make one event of each; versions have no gaps, so none can be left out or added");
  Json after = Json::parse(made.front());
  if (!after.contains("data")) throw wrong(event, "the expression took its data away");
  const Json data = after["data"];
  if (data == before["data"] && after == before) return;
  after["data"] = before["data"];
  if (after != before) throw wrong(event, "the expression changes more than .data, which is all that it may");
  const auto message = empty_message(event.meta.type);
  if (const auto parsed = everfold::json::parse_into(data.dump(), *message); !parsed) {
    std::string why = parsed.error().message;
    for (const auto& detail : parsed.error().details) why += "; " + detail.field + ": " + detail.message;
    throw wrong(event,
                "what the expression makes of its data is no " + std::string(short_type(event.meta.type)) + ": " + why);
  }
  event.bytes = bytes_of(*message);
}

}  // namespace everfold::replay
