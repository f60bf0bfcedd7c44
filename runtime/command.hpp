// A command on its way to a writer, and what comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernel/meta.hpp"
#include "kernel/rejection.hpp"
#include "runtime/event_log.hpp"
#include "runtime/stored_event.hpp"

namespace everfold {

struct Command {
  CommandMeta meta;
  std::string type;   // "everfold.orders.CancelOrder.v1"
  std::string bytes;  // the Protobuf message
};

// The command's events are in the log, read back from it.
struct CommandDone {
  std::vector<StoredEvent> events;  // none: the effect was there already
  int64_t version = 0;              // of the aggregate after them
  LogId log;
  int64_t position = 0;  // offset behind the last of them: what a view must have applied to show them
};

// A rejection with Code::unavailable is no decision: its message says whether nothing was done or the outcome is unknown.
using Outcome = Decided<CommandDone>;
using Reply = std::function<void(Outcome)>;  // called once, from the writer's thread; must not block

// Command topics carry commands as CloudEvents too.
OutgoingRecord command_record(const Command& command);
std::optional<Command> command_of(const RecordView& record, const std::string& context);

}  // namespace everfold
