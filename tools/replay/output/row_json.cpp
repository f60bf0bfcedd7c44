#include "tools/replay/output/row_json.hpp"

#include <google/protobuf/descriptor.h>

#include "kernel/check.hpp"
#include "platform/json/object.hpp"
#include "projections/timestamp.hpp"
#include "runtime/views/view_shelf.hpp"
#include "schemas/history/v1/views.pb.h"
#include "tools/replay/output/event_json.hpp"

namespace everfold::replay {
namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

// Its key is "<context>/<aggregate>/<version>".
std::string history_json(std::string_view key, const history::v1::HistoryRow& row) {
  StoredEvent event;
  event.meta.context = key.substr(0, key.find('/'));
  event.meta.type = row.event_type();
  event.bytes = row.event();
  json::Object out;
  out.number("version", row.version()).text("type", row.event_type()).text("time", format_time(time_ms(row.at())));
  out.text("id", row.event_id()).text("causationId", row.causation_id()).text("correlationId", row.correlation_id());
  if (row.has_actor()) out.text("actor", row.actor());
  thread_local EventJson events;
  std::string data;
  if (events.append_data(data, event))
    out.json("data", data);
  else
    out.text("undecodedHex", hex(row.event()));
  return out.str();
}

}  // namespace

std::unique_ptr<google::protobuf::Message> empty_row(const View& view) {
  const std::string type(view.row_type());
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  check(descriptor != nullptr, "a view's rows are no message: " + type);
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

std::string row_json(const View& view, std::string_view key, std::string_view bytes) {
  const auto row = empty_row(view);
  if (!row->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw ViewDamaged("the row " + std::string(key) + " is no " + row->GetDescriptor()->full_name());
  if (const auto* event = dynamic_cast<const history::v1::HistoryRow*>(row.get())) return history_json(key, *event);
  return json::to_json(*row);
}

}  // namespace everfold::replay
