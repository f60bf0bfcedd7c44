// What an HTTP route sees of the writer: somewhere to send a command, and the confirmed history to look things up in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/log/position_token.hpp"
#include "runtime/writer/command.hpp"

namespace everfold {

class CommandBus {
 public:
  virtual ~CommandBus() = default;
  // Thread-safe, never blocks. `reply` may be called before submit() returns (queue full: Code::unavailable).
  virtual void submit(Command command, Reply reply) = 0;
  // Calls back once this node's history has everything before `wanted.offset` of that log; false: not by the deadline. Never blocks;
  // the callback must not block either.
  virtual void when_read(WantedPosition wanted, std::function<void(bool reached)> then) = 0;
};

class History {
 public:
  virtual ~History() = default;
  // Thread-safe. The accepted events of an aggregate with version ≥ from_version, oldest first, at most `limit`.
  // What a command's reply has told is included, whichever node decided it. Local: only the logs that this node tails (all of its contexts).
  virtual std::vector<StoredEvent> events(const std::string& context, const std::string& aggregate_id,
                                          int64_t from_version, std::size_t limit) const = 0;
};

}  // namespace everfold
