// A command on its way to a writer, and what comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernel/meta.hpp"
#include "kernel/rejection.hpp"
#include "runtime/log/event_log.hpp"
#include "runtime/log/stored_event.hpp"

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

// A command and who waits for its outcome.
struct QueuedCommand {
  Command command;
  Reply reply;
  int64_t deadline_ms = 0;  // 0: none; it came from a command topic
  bool forwarded = false;   // by another node: not to be sent on
  bool in_doubt = false;    // it may have been done already, here or elsewhere
  bool copy_is_out = false;  // another node may have it and decide it whenever it likes
  int attempts = 0;         // to reach the owner of its log

  bool is_due(int64_t now_ms) const { return deadline_ms != 0 && deadline_ms <= now_ms; }
};

// The two answers that decide nothing.
Rejection nothing_done(std::string why);  // "<why>. Nothing was done; try again."
Rejection outcome_unknown();

// Command topics carry commands as CloudEvents too.
OutgoingRecord command_record(const Command& command);
std::optional<Command> command_of(const RecordView& record, const std::string& context);

}  // namespace everfold
