// A consumer group of the mind: an eager coordinator with sessions that expire while their owners still believe, and positions that
// only those who belong to its generation may move.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/log/group_source.hpp"
#include "tests/simulator/kafka.hpp"

namespace everfold::simulator {

class Group {
 public:
  struct Position {
    int64_t offset = 0;
    std::string note;
  };

  Group(Universe& universe, Kafka& kafka, std::string name, Topic topic, std::vector<std::string> contexts, int shards,
        int64_t session_timeout_ms)
      : universe_(universe),
        kafka_(kafka),
        name_(std::move(name)),
        topic_(topic),
        contexts_(std::move(contexts)),
        shards_(shards),
        session_timeout_ms_(session_timeout_ms) {}

  int join(Process& process);
  void leave(int member);
  // What the member is to do; nothing: go on.
  struct Notice {
    bool revoke = false;                          // give up what you have, then rejoin()
    const std::vector<LogId>* assigned = nullptr;  // yours, with the positions in position()
  };
  Notice poll(int member);
  int rejoin(int member);  // its number from now on
  bool commit(int member, const LogId& log, const Position& position);

  void step();       // expiry of sessions, and the end of a rebalance
  void disturb();    // a rebalance for no reason

  const std::string& name() const { return name_; }
  const std::vector<std::string>& contexts() const { return contexts_; }
  bool reads(const std::string& context) const { return std::ranges::count(contexts_, context) > 0; }
  Topic topic() const { return topic_; }
  Kafka& kafka() const { return kafka_; }
  const Position& position(const LogId& log) { return positions_[log]; }
  const std::map<LogId, Position>& positions() const { return positions_; }
  // Who has the shard, as the coordinator sees it; null: nobody now.
  const Process* owner(int shard) const;
  bool stable() const { return !rebalancing_; }

 private:
  struct Member {
    Member(Process& of, int64_t now_ms) : process(&of), seen_ms(now_ms) {}
    Process* process;
    int64_t seen_ms;
    int64_t generation = 0;  // 0: not yet in any
    bool rejoined = true;
    bool told = true;  // of its assignment
    std::vector<LogId> logs;
  };

  void start_rebalance();
  void assign();

  Universe& universe_;
  Kafka& kafka_;
  const std::string name_;
  const Topic topic_;
  const std::vector<std::string> contexts_;
  const int shards_;
  const int64_t session_timeout_ms_;
  std::map<int, Member> members_;
  int next_member_ = 1;
  int64_t generation_ = 1;
  bool rebalancing_ = false;
  int64_t rebalance_began_ms_ = 0;
  std::map<LogId, Position> positions_;
};

class SimGroupSource final : public GroupSource {
 public:
  SimGroupSource(Process& process, Group& group) : process_(process), group_(group), member_(group.join(process)) {}

  std::size_t poll(int timeout_ms, const Listener& listener) override;
  void keep_membership(const Listener& listener) override {
    if (process_.touch() && reaches()) rebalance(listener);
  }
  void commit(const LogId& log, int64_t offset, const std::string& note) override {
    if (process_.touch()) pending_[log] = {offset, note};
  }
  void pause(const LogId& log) override { paused_.insert(log); }
  void resume(const LogId& log) override { paused_.erase(log); }
  void wake() override {}

  void leave();  // a clean end
  bool idle() const { return pending_.empty(); }
  bool has_any() const { return !next_.empty(); }

 private:
  bool reaches() const { return group_.kafka().up && process_.reaches_kafka(); }
  void rebalance(const Listener& listener);
  void send_positions();

  Process& process_;
  Group& group_;
  int member_;
  std::map<LogId, int64_t> next_;  // of what is assigned
  std::set<LogId> paused_;
  std::map<LogId, Group::Position> pending_;
};

// Sends commands: all acknowledged, or false when some may be missing, late or there.
class SimCommandSender final : public CommandSender {
 public:
  SimCommandSender(Process& process, Kafka& kafka, int shards) : process_(process), kafka_(kafka), shards_(shards) {}
  bool send(const std::vector<Command>& commands, int timeout_ms) override;

 private:
  Process& process_;
  Kafka& kafka_;
  const int shards_;
};

}  // namespace everfold::simulator
