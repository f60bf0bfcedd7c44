// A Kafka of the mind: partitions whose ends are replicated late, producers whose records linger, get lost, arrive twice, in another
// order, or long after their producer was given up.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "runtime/log/event_log.hpp"
#include "tests/simulator/process.hpp"

namespace everfold::simulator {

struct Record {
  Record(OutgoingRecord from, int by) : content(std::move(from)), session(by) {
    for (const auto& [name, value] : content.headers) headers.emplace_back(name, value);
  }
  RecordView at(int64_t offset) const { return {offset, content.key, content.value, headers}; }

  const OutgoingRecord content;
  const int session;
  std::vector<HeaderView> headers;
};
using RecordPtr = std::shared_ptr<const Record>;

struct Partition {
  LogId log;
  std::vector<RecordPtr> records;
  std::vector<int64_t> visible_ms;  // when consumers could see it, by offset: its size is the high watermark
  std::vector<int64_t> visible_step;

  int64_t end() const { return static_cast<int64_t>(records.size()); }
  int64_t high_watermark() const { return static_cast<int64_t>(visible_ms.size()); }
};

enum class Topic { events, commands, parked };

// Chances in 1,000, each asked for once an opportunity.
struct RecordFaults {
  int lose = 0;       // the record never arrives, and its producer learns later that something is wrong
  int lose_ack = 0;   // it arrives, and its producer is told that it may not have
  int duplicate = 0;  // it arrives twice
  int reorder = 0;    // the one behind it arrives first
  int truncate = 0;   // polls and fetches end early
  bool gaps = false;  // records behind a lost one arrive all the same
  int orphans = 500;  // what was on its way when its producer was given up still arrives
  int partial = 250;  // a part of what is new becomes visible before the rest
  int late_orphans = 8;  // not in 1,000: how much slower orphans are than others
};

class Kafka {
 public:
  Kafka(Universe& universe, const RecordFaults& faults) : universe_(universe), faults_(faults) {}

  void create(Topic topic, const LogId& log) { partitions_of(topic)[log].log = log; }
  Partition& at(Topic topic, const LogId& log) { return partitions_of(topic).at(log); }
  const std::map<LogId, Partition>& partitions(Topic topic) const { return topics_.at(topic); }
  const RecordFaults& faults() const { return faults_; }

  // Producers.
  int open_session(Process& process);
  void produce(int session, Partition& to, OutgoingRecord record);
  bool in_doubt(int session) const;
  void doubt(int session);
  std::size_t in_flight(int session) const;
  // Its queue is gone; what is on the wire may still arrive.
  void give_up(int session);
  // The same, but everything is on the wire.
  void orphan(int session);
  // At once, replicated and seen by all: an acknowledged send.
  void append_now(Partition& to, OutgoingRecord record);

  // What goes on by itself.
  void step();
  void fail_over();  // a new leader that lacks what was not replicated yet
  void stop_faults() { faults_ = {.orphans = faults_.orphans, .late_orphans = faults_.late_orphans}; }
  bool settled() const;  // nothing is on its way, and consumers see everything

  bool up = true;

 private:
  struct Flying {
    Partition* to;
    RecordPtr record;
  };
  struct Session {
    explicit Session(Process& of) : process(&of) {}
    Process* process;  // null: given up
    std::deque<Flying> queued, wire;
    int64_t doubtful_from_ms = INT64_MAX;
    bool broken = false;  // nothing gets through any more
  };

  std::map<LogId, Partition>& partitions_of(Topic topic) { return topics_[topic]; }
  void send(Session& session);
  void arrive(Session& session);
  void lose(Session& session);
  void append(Partition& to, RecordPtr record);
  void replicate();

  Universe& universe_;
  RecordFaults faults_;
  std::map<Topic, std::map<LogId, Partition>> topics_;
  std::vector<Partition*> behind_;  // their ends are not replicated yet
  std::deque<Session> sessions_;
  std::vector<int> busy_;  // sessions with records in them
};

}  // namespace everfold::simulator
