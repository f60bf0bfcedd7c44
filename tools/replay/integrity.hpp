// What must hold of an installation's logs (docs/log-format.md), checked event by event in one pass over them, with
// what the command topics say before and after it.
//
// Memory: 26 to 51 bytes (16 a place, 5/16 to 5/8 full) for each event id, each aggregate, and each command that lies
// in a topic; half as much again while a table grows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "runtime/log/log_tail.hpp"
#include "runtime/writer/command.hpp"
#include "tools/replay/history/event_types.hpp"
#include "tools/replay/history/id_table.hpp"

namespace everfold::replay {

struct Finding {
  std::string_view kind;  // "version", "id", "duplicate", "causation", "type", "time", "shard"
  LogId log;
  int64_t offset = 0;
  bool in_commands = false;  // of the command topic
  std::string says;
};

class Integrity {
 public:
  using Report = std::function<void(const Finding&)>;
  // `partitions`: by context.
  Integrity(std::map<std::string, int> partitions, Report report)
      : partitions_(std::move(partitions)), report_(std::move(report)) {}

  // First every record of the command topics,
  void know(const Command& command) { commands_.insert(command.meta.id); }
  // `all`: the topics had lost nothing; otherwise a translator's command need not be in them.
  void commands_known(bool all) { all_commands_known_ = all; }
  // then the logs from their beginning, each record and then the commit that it may have made whole,
  void see(const LogId& log, const RecordView& record, const TailStep& step);
  void see(const LogId& log, const Commit& commit);
  void logs_read();
  // then the command topics again.
  void check(const LogId& log, int64_t offset, const Command& command);

  struct Figures {
    int64_t events = 0, commits = 0, aggregates = 0;
    int64_t terms = 0;
    // Void records, by kind: "fenced", "duplicate", "gap", "half a commit", "TermStarted of an old term", "nobody's".
    std::map<std::string, int64_t, std::less<>> void_records;
    int64_t unfinished = 0;  // records of commits that are not whole at their log's end
    // Causation: where events' commands came from, and whose cause was found.
    int64_t by_topic = 0, by_clients = 0, by_deadlines = 0, unknown_origin = 0;
    int64_t caused_commands = 0, resent_commands = 0;
    // Clocks: commits that are stamped earlier than one before them in their log.
    int64_t backwards = 0, most_backwards_ms = 0;
    int64_t findings = 0;
    std::size_t table_bytes = 0;
  };
  Figures figures() const;

 private:
  struct OfLog {
    int64_t collecting = 0;
    int64_t latest_ms = 0;
  };
  void find(std::string_view kind, const LogId& log, int64_t offset, std::string says, bool in_commands = false);
  void check_versions(const LogId& log, const StoredEvent& event);
  void check_ids(const LogId& log, const StoredEvent& event, std::size_t place);
  void check_cause(const LogId& log, const StoredEvent& event);
  void check_times(const LogId& log, const Commit& commit);
  void give_up_collected(OfLog& log);

  const std::map<std::string, int> partitions_;
  const Report report_;
  bool all_commands_known_ = true;
  EventReader reader_;
  IdTable commands_, events_, versions_;
  std::map<LogId, OfLog> logs_;
  Figures figures_;
};

}  // namespace everfold::replay
