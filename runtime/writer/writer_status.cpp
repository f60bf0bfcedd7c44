// What a writer tells about itself.
#include <algorithm>
#include <stdexcept>

#include "runtime/writer/writer.hpp"

namespace everfold {

void Writer::publish_status() {
  std::vector<LogStatus> status;
  bool owns_all = true;
  for (const OwnedLog& log : logs_) {
    const char* role = "standby";
    if (log.role == OwnedLog::Role::owner) role = "owner";
    if (log.role == OwnedLog::Role::claiming) role = "claiming";
    status.push_back({log.id(), role, log.tail.reader().term(), log.pending.size() + log.backlog.size(), log.owner_url});
    owns_all = owns_all && (!log.wanted || log.role == OwnedLog::Role::owner);
  }
  caught_up_ = caught_up_ || look_whether_caught_up();
  ready_ = was_assigned_ && owns_all && caught_up_;
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

// A node whose logs are all others' looks things up as well: it is of use once it has read what there was.
bool Writer::look_whether_caught_up() {
  try {
    return std::ranges::all_of(logs_, [this](const OwnedLog& log) {
      return log.tail.reader().next_offset() >= source_.end_offset(log.id(), 0);
    });
  } catch (const std::runtime_error&) {  // not learnt yet
    return false;
  }
}

}  // namespace everfold
