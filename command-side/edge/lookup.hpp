// Looking things up in the confirmed history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernel/codec.hpp"
#include "kernel/meta.hpp"
#include "runtime/writer/command_bus.hpp"

namespace everfold::edge {

inline constexpr std::size_t all_events = SIZE_MAX;

// A later version wrote it. What needs it cannot be answered by this one (Edge says so); everything else can.
class UnreadableHistory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws UnreadableHistory.
template <class Event>
Event read_event(const StoredEvent& stored) {
  auto event = decode<Event>(stored.meta.type, stored.bytes);
  if (!event)
    throw UnreadableHistory("This version cannot read event " + std::to_string(stored.meta.version) + " of " +
                            stored.meta.aggregate_id + " (" + stored.meta.type + "): the version that wrote it can.");
  return std::move(*event);
}

// How the aggregate came into being, if the event is a Message: nothing when there is no such aggregate.
template <class Message, class Event>
std::optional<Message> origin_of(const History& history, const std::string& context, const std::string& aggregate_id) {
  const auto events = history.events(context, aggregate_id, 1, 1);
  if (events.empty()) return std::nullopt;
  auto event = read_event<Event>(events.front());
  if (auto* message = std::get_if<Message>(&event)) return std::move(*message);
  return std::nullopt;
}

// The last event of a command; of its aggregate when the command's effect was there already. Nothing: the aggregate has
// none.
template <class Event>
std::optional<Event> last_event(const History& history, const CommandDone& done, const std::string& aggregate_id) {
  if (!done.events.empty()) return read_event<Event>(done.events.back());
  const auto events = history.events(done.log.context, aggregate_id, done.version, 1);
  if (events.empty()) return std::nullopt;
  return read_event<Event>(events.front());
}

}  // namespace everfold::edge
