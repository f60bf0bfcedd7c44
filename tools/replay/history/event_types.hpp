// Every event type that this version knows, whatever its context: bytes in, Protobuf message out.
#pragma once

#include <google/protobuf/message.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::replay {

struct EventType {
  std::string context;
  std::string type;  // "everfold.orders.OrderPlaced.v1"
  const google::protobuf::Descriptor* descriptor;
};

// By context, then in the order of the schema, former versions last. Adding a context is a line in event_types.cpp.
const std::vector<EventType>& event_types();
// Contexts and processes, of which there are events.
std::vector<std::string> event_contexts();
// "OrderPlaced" of "everfold.orders.OrderPlaced.v1"
std::string_view short_type(std::string_view type);

// Decodes one event after another as it was written: of a former version as that (kernel/upcast.hpp). One thread.
class EventReader {
 public:
  EventReader();
  ~EventReader();

  // Valid until the next call; nullptr: a context or type that this version does not know, or bytes that are not that
  // message.
  const google::protobuf::Message* read(std::string_view context, std::string_view type, std::string_view bytes);

  class OfContext;

 private:
  std::map<std::string, std::unique_ptr<OfContext>, std::less<>> contexts_;
};

}  // namespace everfold::replay
