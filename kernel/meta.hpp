// What every event and every command carries beside its payload: the attributes of its CloudEvent.
#pragma once

#include <cstdint>
#include <string>

namespace everfold {

// Who asked. `subject` is the token's `sub`, or "process:checkout"; empty for a guest.
struct EventMeta {
  std::string id;            // ce_id: "<command id>.<place>"
  std::string type;          // ce_type: "everfold.orders.OrderPlaced.v1"
  std::string context;       // "orders"
  std::string aggregate_id;  // ce_subject
  int64_t version = 0;       // ce_sequence: of the aggregate after this event, from 1, without gaps
  int64_t time_ms = 0;       // ce_time, since 1970
  std::string correlation_id;
  std::string causation_id;  // the command's id
  std::string traceparent;
  std::string actor;
};

struct CommandMeta {
  std::string id;
  std::string context;
  std::string aggregate_id;
  int64_t time_ms = 0;
  std::string correlation_id;
  std::string causation_id;  // the id of the event that caused it; empty when a client did
  std::string traceparent;
  std::string actor;
  std::string digest;              // of the client's request: the same id with another digest is refused; empty from a process
  int64_t expected_version = -1;   // If-Match; -1: any
  bool fresh_id = false;           // made at random for this very command: nobody can have sent it before
};

}  // namespace everfold
