#include "tools/replay/history/event_types.hpp"

#include <variant>

#include "runtime/log/event_decoder.hpp"
#include "schemas/carts/events.hpp"
#include "schemas/catalog/events.hpp"
#include "schemas/checkout/events.hpp"
#include "schemas/inventory/events.hpp"
#include "schemas/orders/events.hpp"
#include "schemas/payments/events.hpp"

namespace everfold::replay {

using google::protobuf::Message;

class EventReader::OfContext {
 public:
  virtual ~OfContext() = default;
  virtual const Message* read(std::string_view type, std::string_view bytes) = 0;
};

namespace {

template <class Event>
class Reader final : public EventReader::OfContext {
 public:
  const Message* read(std::string_view type, std::string_view bytes) override {
    const auto* event = decoder_.decode(type, bytes);
    return event ? std::visit([](const auto& message) -> const Message* { return &message; }, *event) : nullptr;
  }

 private:
  EventDecoder<AsWritten<Event>> decoder_;
};

// Calls visit.template operator()<Event>("orders") for each.
template <class Visit>
void for_each_context(Visit&& visit) {
  visit.template operator()<catalog::Event>("catalog");
  visit.template operator()<inventory::Event>("inventory");
  visit.template operator()<carts::Event>("carts");
  visit.template operator()<orders::Event>("orders");
  visit.template operator()<payments::Event>("payments");
  visit.template operator()<checkout::Event>("checkout");
}

template <class... Messages>
void add_types(std::vector<EventType>& types, const char* context, const std::variant<Messages...>*) {
  (types.push_back({context, type_of<Messages>(), Messages::descriptor()}), ...);
}

}  // namespace

const std::vector<EventType>& event_types() {
  static const std::vector<EventType> types = [] {
    std::vector<EventType> found;
    for_each_context(
        [&]<class Event>(const char* context) { add_types(found, context, static_cast<const AsWritten<Event>*>(nullptr)); });
    return found;
  }();
  return types;
}

std::vector<std::string> event_contexts() {
  std::vector<std::string> contexts;
  for_each_context([&]<class Event>(const char* context) { contexts.emplace_back(context); });
  return contexts;
}

std::string_view short_type(std::string_view type) {
  const std::string_view without_version = type.substr(0, type.rfind('.'));
  return without_version.substr(without_version.rfind('.') + 1);
}

EventReader::EventReader() {
  for_each_context(
      [this]<class Event>(const char* context) { contexts_.emplace(context, std::make_unique<Reader<Event>>()); });
}

EventReader::~EventReader() = default;

const Message* EventReader::read(std::string_view context, std::string_view type, std::string_view bytes) {
  const auto found = contexts_.find(context);
  return found == contexts_.end() ? nullptr : found->second->read(type, bytes);
}

}  // namespace everfold::replay
