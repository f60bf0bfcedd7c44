#include "tools/replay/causality.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace everfold::replay {
namespace {

// Takes what was not taken yet, so that ids that go in circles end.
class Trees {
 public:
  Trees(std::vector<LoggedEvent> events, std::vector<LoggedCommand> commands) {
    for (LoggedCommand& command : commands) commands_.emplace(command.command.meta.id, std::move(command));
    for (LoggedEvent& event : events) {
      event_ids_.insert(event.event.meta.id);
      events_[event.event.meta.causation_id].push_back(std::move(event));
    }
    for (const auto& [id, command] : commands_) caused_by_[command.command.meta.causation_id].push_back(id);
  }

  std::vector<CommandNode> take() {
    std::vector<CommandNode> roots;
    // First whatever has no cause here; what is left after that goes in circles, and begins anywhere.
    for (const std::string& id : ids())
      if (!taken_.contains(id) && !has_cause(id)) roots.push_back(node(id));
    for (const std::string& id : ids())
      if (!taken_.contains(id)) roots.push_back(node(id));
    sort(roots);
    return roots;
  }

 private:
  std::set<std::string> ids() const {
    std::set<std::string> ids;
    for (const auto& [id, command] : commands_) ids.insert(id);
    for (const auto& [id, events] : events_) ids.insert(id);
    return ids;
  }

  bool has_cause(const std::string& id) const {
    const auto command = commands_.find(id);
    return command != commands_.end() && event_ids_.contains(command->second.command.meta.causation_id);
  }

  CommandNode node(const std::string& id) {
    taken_.insert(id);
    CommandNode node{id, {}, {}};
    if (const auto command = commands_.find(id); command != commands_.end())
      node.record.push_back(std::move(command->second));
    if (const auto events = events_.find(id); events != events_.end())
      for (LoggedEvent& event : events->second) node.events.push_back({std::move(event), {}});
    for (EventNode& event : node.events) {
      const auto caused = caused_by_.find(event.recorded.event.meta.id);
      if (caused == caused_by_.end()) continue;
      for (const std::string& next : caused->second)
        if (!taken_.contains(next)) event.commands.push_back(this->node(next));
      sort(event.commands);
    }
    return node;
  }

  static void sort(std::vector<CommandNode>& nodes) {
    std::stable_sort(nodes.begin(), nodes.end(),
                     [](const auto& a, const auto& b) { return a.time_ms() < b.time_ms(); });
  }

  std::map<std::string, LoggedCommand> commands_;
  std::map<std::string, std::vector<LoggedEvent>> events_;     // by their command
  std::map<std::string, std::vector<std::string>> caused_by_;  // event → commands
  std::set<std::string> event_ids_, taken_;
};

}  // namespace

int64_t CommandNode::time_ms() const {
  if (!record.empty()) return record.front().command.meta.time_ms;
  return events.empty() ? 0 : events.front().recorded.event.meta.time_ms;
}

std::vector<CommandNode> causal_trees(std::vector<LoggedEvent> events, std::vector<LoggedCommand> commands) {
  return Trees(std::move(events), std::move(commands)).take();
}

void CommandsById::add(const LogId& log, int64_t offset, Command command) {
  const std::string id = command.meta.id;
  const auto [found, added] = commands_.try_emplace(id, LoggedCommand{log, offset, std::move(command), 1});
  if (!added) ++found->second.sent;
}

std::vector<LoggedCommand> CommandsById::take() {
  std::vector<LoggedCommand> commands;
  for (auto& [id, command] : std::exchange(commands_, {})) commands.push_back(std::move(command));
  return commands;
}

std::vector<LoggedEvent> merged_by_time(std::vector<LoggedEvent> events) {
  std::map<LogId, std::vector<LoggedEvent>> logs;
  for (LoggedEvent& event : events) logs[event.log].push_back(std::move(event));
  std::map<LogId, std::size_t> next;
  std::vector<LoggedEvent> merged;
  while (merged.size() < events.size()) {
    std::vector<LoggedEvent>* earliest = nullptr;
    std::size_t* at = nullptr;
    for (auto& [log, list] : logs) {
      std::size_t& head = next[log];
      if (head == list.size()) continue;
      if (earliest && (*earliest)[*at].event.meta.time_ms <= list[head].event.meta.time_ms) continue;
      earliest = &list;
      at = &head;
    }
    merged.push_back(std::move((*earliest)[(*at)++]));
  }
  return merged;
}

}  // namespace everfold::replay
