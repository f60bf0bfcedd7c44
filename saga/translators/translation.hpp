// How an event becomes commands: decoded, visited exhaustively, every command's id derived from the event's. The same
// event always gives the same commands, so a translator may repeat itself.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/rejection.hpp"
#include "runtime/log/stored_event.hpp"
#include "runtime/writer/command.hpp"

namespace everfold {

using Commands = std::vector<Command>;

// Writes the commands that one event causes, in the name of one actor.
class Translation {
 public:
  Translation(const EventMeta& cause, std::string_view actor) : cause_(cause), actor_(actor) {}

  // The command goes to the context that its message belongs to.
  template <class Message>
  Command to(std::string aggregate_id, const Message& message) const {
    Encoded encoded = encode_message(message);
    CommandMeta meta = meta_of(encoded.type, std::move(aggregate_id));
    return {std::move(meta), std::move(encoded.type), std::move(encoded.bytes)};
  }
  // What the event's aggregate may ask for again but wants done once in its life: the same command, whichever of its events asks.
  // One with an id of its own that finds the thing done leaves no event, so nobody knows it when it is repeated later.
  template <class Message>
  Command once(std::string aggregate_id, const Message& message) const {
    Command command = to(std::move(aggregate_id), message);
    command.meta.id = id_of_once(command);
    return command;
  }

 private:
  CommandMeta meta_of(std::string_view type, std::string aggregate_id) const;
  std::string id_of_once(const Command& command) const;

  const EventMeta& cause_;
  std::string_view actor_;
};

// Code::internal: an event type that this program does not know, or bytes that are not that message.
Rejection unreadable(const EventMeta& event);

template <class Event>
Decided<Event> read_event(const StoredEvent& stored) {
  auto event = decode<Event>(stored.meta.type, stored.bytes);
  if (!event) return unreadable(stored.meta);
  return std::move(*event);
}

// `table`: one overload an alternative of Event, each returning Commands.
template <class Event, class Table>
Decided<Commands> translate(const StoredEvent& stored, const Table& table) {
  auto event = read_event<Event>(stored);
  if (!event) return std::move(event).error();
  return std::visit(table, event.value());
}

}  // namespace everfold
