// An event as one JSON object, in the form that this program prints, filters and maps (docs/replay.md):
//   {"context","aggregateId","version","type","time","id","correlationId"?,"causationId"?,"actor"?,"log","offset","data"}
// `data` is the message by platform/json's rules. An event that this version cannot decode has "data":null and its
// bytes as "undecodedHex".
#pragma once

#include <string>

#include "runtime/log/stored_event.hpp"
#include "tools/replay/history/event_types.hpp"

namespace everfold::replay {

class EventJson {
 public:
  // False: it could not be decoded.
  bool append(std::string& out, const LogId& log, const StoredEvent& event);
  // Its data alone; "null" likewise.
  bool append_data(std::string& out, const StoredEvent& event);

 private:
  EventReader reader_;
};

}  // namespace everfold::replay
