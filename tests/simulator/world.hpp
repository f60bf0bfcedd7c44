// One seed's world: programs, Kafka, network, clients, and what befalls them. One thread; time passes when a step is taken.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulator/programs.hpp"
#include "tests/simulator/workload.hpp"

namespace everfold::simulator {

// Where a program runs: what lies on its disks outlives it.
struct Host {
  enum class Kind { command, saga, projector };

  Host(Kind what, std::string called) : kind(what), name(std::move(called)) {}

  Kind kind;
  std::string name;
  std::unique_ptr<IndexDisk> index = std::make_unique<IndexDisk>();
  std::vector<ViewDisk> views;
  Process* process = nullptr;
  std::unique_ptr<Program> program;  // null: it is down
  int starts = 0;
  bool stopping = false;
  int64_t start_at_ms = 0;
  int64_t thaw_at_ms = 0;
  int64_t mend_at_ms = 0;
};

class World {
 public:
  World(uint64_t seed, bool tell);
  ~World();

  // Throws Violation.
  void run();

  const Plan& plan() const { return plan_; }
  const Kafka& kafka() const { return kafka_; }
  const Ledger& ledger() const { return ledger_; }
  const Arrows& arrows() const { return arrows_; }
  const std::vector<Host>& hosts() const { return hosts_; }
  const std::vector<std::unique_ptr<Group>>& groups() const { return groups_; }
  uint64_t seed() const { return seed_; }
  int64_t steps() const { return universe_.step; }
  int64_t crashes() const { return crashes_; }

 private:
  struct Message {
    const Host* to = nullptr;  // in whose socket it lies; null: a client's
    std::function<void()> arrive;
    int64_t not_before_ms = 0;
  };
  struct Client {
    bool waiting = false;
    std::size_t wish = 0;
    int64_t until_ms = 0;  // waits for an answer, or before it sends again
  };

  void step();
  void set_up();
  void step_host(Host& host);
  void start(Host& host);
  void die(Host& host);
  void power_cut(Host& host);
  void lose_unsynced(Host& host);
  std::unique_ptr<Program> make(Host& host);
  void guarded(Host& host, const std::function<void()>& work);

  void nemesis();
  void heal();
  void come_to_rest();
  std::string restless();

  void step_client(Client& client);
  void send(Client& client);
  void close(std::size_t wish);
  void step_network();
  void take_request(std::size_t wish, Host& host);
  void take_answer(std::size_t attempt);
  PeerNetwork network_of(Host& host);
  void forward(Host& from, Host& to, int64_t attempt, const Command& command, int64_t timeout_ms);
  void take_forwarded(Host& from, Host& to, int64_t attempt, const Command& command, int64_t timeout_ms, const Process* sender);
  void answer_forwarded(Host& to, int64_t attempt, PeerAnswer answer);
  bool lost() { return faulty_ && universe_.random.permille(plan_.lose_message); }
  void send_by_topic(Command command);
  Host& any_host() { return universe_.random.pick(hosts_); }

  const uint64_t seed_;
  Universe universe_;
  const Plan plan_;
  Kafka kafka_;
  Ledger ledger_;
  Arrows arrows_;
  Workload workload_;
  std::vector<std::unique_ptr<Process>> processes_;  // all that ever were: coordinators remember the dead
  std::vector<std::unique_ptr<Group>> groups_;       // commands, saga's commands, translators, payments
  std::vector<Host> hosts_;
  std::vector<Client> clients_;
  std::vector<Message> messages_;
  int wishes_left_;
  int open_wishes_ = 0;
  std::vector<bool> closed_;  // by wish
  bool faulty_ = true;
  int64_t up_again_ms_ = 0;  // Kafka
  int64_t crashes_ = 0;
};

}  // namespace everfold::simulator
