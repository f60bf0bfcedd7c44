#include "tools/replay/history/at_rest.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "platform/kafka/group_positions.hpp"
#include "platform/kafka/log_source.hpp"
#include "runtime/parking/parked_table.hpp"
#include "saga/processes.hpp"
#include "saga/translators/registry.hpp"
#include "tools/replay/output/progress.hpp"

namespace everfold::replay {
namespace {

constexpr int timeout_ms = 15'000;
constexpr int poll_ms = 100;

using Sentences = std::vector<std::string>;
using Logs = std::vector<LogId>;

struct Group {
  std::string name;
  Logs logs;  // of the topics that it reads
};

// `contexts` accepts: whose logs.
template <class Accepts>
Logs logs_of(const Logs& all, const Accepts& accepts) {
  Logs logs;
  std::ranges::copy_if(all, std::back_inserter(logs), [&](const LogId& log) { return accepts(log.context); });
  return logs;
}

std::vector<Group> groups_of_events(const Logs& all) {
  std::vector<Group> groups;
  for (const ReactingGroup& group : reacting_groups())
    groups.push_back({group.name, logs_of(all, [&](const std::string& context) {
                        return std::ranges::find(group.contexts, context) != group.contexts.end();
                      })});
  return groups;
}

// As everfold-command and everfold-saga name their groups.
std::vector<Group> groups_of_commands(const Logs& all) {
  const auto processes = saga_processes();
  const auto is_process = [&](const std::string& context) {
    return std::ranges::any_of(processes, [&](const auto& process) { return process->name() == context; });
  };
  return {{"command", logs_of(all, [&](const std::string& context) { return !is_process(context); })},
          {"saga", logs_of(all, is_process)}};
}

std::map<LogId, int64_t> ends_of(const kafka::KafkaOptions& options, kafka::Topics topics, const Logs& logs) {
  const auto source = kafka::make_log_source(options, kafka::Reading::low_latency, note, topics);
  std::map<LogId, int64_t> ends;
  for (const LogId& log : logs) ends[log] = source->end_offset(log, timeout_ms);
  return ends;
}

// A sentence for each group that has not come to the `ends` of its logs.
void compare(const kafka::KafkaOptions& options, const std::vector<Group>& groups, kafka::Topics topics,
             const std::map<LogId, int64_t>& ends, std::string_view what, Sentences& open) {
  for (const Group& group : groups) {
    if (group.logs.empty()) continue;
    const auto positions = kafka::group_positions(options, group.name, topics, group.logs, timeout_ms);
    int64_t records = 0;
    for (const LogId& log : group.logs) {
      const auto at = positions.find(log);
      records += std::max<int64_t>(ends.at(log) - (at == positions.end() ? 0 : at->second.offset), 0);
    }
    if (records > 0)
      open.push_back("consumer group " + group.name + " has not handled " + std::to_string(records) + " records of " +
                     std::string(what));
  }
}

void look_for_parked(const kafka::KafkaOptions& options, const std::string& group, int partitions, Sentences& open) {
  const auto source = kafka::make_log_source(options, kafka::Reading::low_latency, note, kafka::Topics::parked);
  std::vector<std::pair<LogId, int64_t>> from;
  for (int shard = 0; shard < partitions; ++shard) from.emplace_back(LogId{group, shard}, 0);
  std::vector<int64_t> ends, next(from.size(), 0);
  for (const auto& [log, offset] : from) ends.push_back(source->end_offset(log, timeout_ms));
  source->assign(from);
  ParkedTable table;
  for (int quiet = 0; quiet < timeout_ms / poll_ms; ++quiet) {
    // Compaction leaves holes, at the end too; so an end that is not reached for a while is one.
    if (std::ranges::equal(next, ends, std::greater_equal<>())) break;
    if (source->poll(poll_ms, [&](std::size_t i, const RecordView& record) {
          next[i] = record.offset + 1;
          if (const auto parked = parking_record_of(static_cast<int>(i), record.key, record.value))
            table.apply(*parked);
        }) > 0)
      quiet = 0;
  }
  std::size_t parked = 0;
  for (const auto& [key, offsets] : table.open()) parked += offsets.size();
  if (parked > 0) open.push_back(std::to_string(parked) + " records are parked by " + group + " (./dev parked list)");
}

}  // namespace

// In this order: whoever has handled all events has sent all commands, which are looked at behind that; and whatever a
// command has caused by then is an event, which are looked at last.
Sentences what_is_open(const kafka::KafkaOptions& options, const std::vector<std::pair<LogId, LogPosition>>& read) {
  Sentences open;
  Logs logs;
  std::map<LogId, int64_t> read_to;
  int partitions = 0;
  for (const auto& [log, position] : read) {
    logs.push_back(log);
    read_to[log] = position.offset;
    partitions = std::max(partitions, log.shard + 1);
  }
  const auto events = groups_of_events(logs), commands = groups_of_commands(logs);
  compare(options, events, kafka::Topics::events, read_to, "events", open);
  if (!open.empty()) return open;
  for (const auto* groups : {&events, &commands})
    for (const Group& group : *groups)
      if (!group.logs.empty()) look_for_parked(options, group.name, partitions, open);
  compare(options, commands, kafka::Topics::commands, ends_of(options, kafka::Topics::commands, logs), "commands",
          open);
  if (const auto ends = ends_of(options, kafka::Topics::events, logs); ends != read_to)
    open.emplace_back("events are being written");
  return open;
}

}  // namespace everfold::replay
