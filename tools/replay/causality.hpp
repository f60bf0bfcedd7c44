// Which command caused which event caused which command: a tree over contexts, of what one request began.
//
// An event names its command (ce_causationid), a command from a topic the event that caused it. A client's command left
// no record but its events, nor did a process's timer; so roots are those, and whatever was caused by an event that is
// not among the given ones.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/log/stored_event.hpp"
#include "runtime/writer/command.hpp"

namespace everfold::replay {

struct LoggedEvent {
  LogId log;
  StoredEvent event;
};

struct LoggedCommand {
  LogId log;
  int64_t offset = 0;  // of the first record
  Command command;
  int sent = 1;  // times that it lies in the topic: a translator that was restarted sends again
};

struct CommandNode;

struct EventNode {
  LoggedEvent recorded;
  std::vector<CommandNode> commands;
};

struct CommandNode {
  std::string id;
  std::vector<LoggedCommand> record;  // none: it came from a client or a timer
  std::vector<EventNode> events;      // none: nothing came of it, it was refused or its effect was there
  int64_t time_ms() const;            // when it was sent; otherwise of its first event
};

// Roots and siblings in the order of time. Every event and command is there exactly once, whatever the ids say.
std::vector<CommandNode> causal_trees(std::vector<LoggedEvent> events, std::vector<LoggedCommand> commands);

// The same id twice is one command that was sent twice.
class CommandsById {
 public:
  void add(const LogId& log, int64_t offset, Command command);
  std::vector<LoggedCommand> take();

 private:
  std::map<std::string, LoggedCommand, std::less<>> commands_;
};

// Events of several contexts by time, each context's in the order of its own log, whatever its clocks say.
std::vector<LoggedEvent> merged_by_time(std::vector<LoggedEvent> events);

}  // namespace everfold::replay
