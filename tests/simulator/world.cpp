#include "tests/simulator/world.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "kernel/shard.hpp"

namespace everfold::simulator {
namespace {

constexpr int most_steps_to_rest = 60'000;
constexpr int64_t rest_tick_ms = 20;

std::string describe(const Outcome& outcome) {
  if (!outcome) return "no, " + outcome.error().message;
  return "done, version " + std::to_string(outcome.value().version) + " at " + to_string(outcome.value().log) + ":" +
         std::to_string(outcome.value().position);
}

}  // namespace

World::World(uint64_t seed, bool tell)
    : seed_(seed),
      universe_(seed, tell),
      plan_(universe_.random),
      kafka_(universe_, plan_.records),
      arrows_(universe_, plan_, ledger_.till),
      workload_(universe_, plan_),
      clients_(static_cast<std::size_t>(plan_.clients)),
      wishes_left_(plan_.wishes) {
  set_up();
}

World::~World() {
  for (const auto& process : processes_) process->alive = false;
}

void World::set_up() {
  std::vector<std::string> contexts = plan_.command_contexts();
  const auto group = [&](const char* name, Topic topic, std::vector<std::string> of) {
    groups_.push_back(std::make_unique<Group>(universe_, kafka_, name, topic, std::move(of), plan_.shards, plan_.session_timeout_ms));
    for (int shard = 0; shard < plan_.shards; ++shard) kafka_.create(Topic::parked, {name, shard});
  };
  group("commands", Topic::commands, contexts);
  if (plan_.saga) {
    group("saga", Topic::commands, {"checkout"});
    group("translators", Topic::events, {"orders", "inventory", "payments", "checkout"});
    group("payment-gateway", Topic::events, {"payments"});
    contexts.push_back("checkout");
  }
  for (const std::string& context : contexts)
    for (int shard = 0; shard < plan_.shards; ++shard)
      for (const Topic topic : {Topic::events, Topic::commands}) kafka_.create(topic, {context, shard});
  const auto host = [&](Host::Kind kind, const char* name, int count) {
    for (int i = 1; i <= count; ++i) hosts_.emplace_back(kind, name + std::to_string(i));
  };
  host(Host::Kind::command, "command-", plan_.command_nodes);
  host(Host::Kind::saga, "saga-", plan_.saga_nodes);
  host(Host::Kind::projector, "projector-", plan_.projectors);
}

void World::run() {
  universe_.say(plan_.shards, " shards, ", plan_.command_nodes, " command nodes, ", plan_.saga_nodes, " saga nodes, ", plan_.clients,
                " clients, ", plan_.wishes, " wishes");
  for (int i = 0; i < plan_.faulty_steps; ++i) {
    step();
    nemesis();
  }
  heal();
  come_to_rest();
}

void World::step() {
  ++universe_.step;
  universe_.now_ms += universe_.random.between(0, faulty_ ? plan_.tick_ms : rest_tick_ms);
  if (!kafka_.up && universe_.now_ms >= up_again_ms_) kafka_.up = true;
  Random& random = universe_.random;
  switch (random.below(8)) {
    case 0:
    case 1:
      kafka_.step();
      break;
    case 2:
      step_network();
      step_client(random.pick(clients_));
      break;
    case 3:
      for (const auto& group : groups_) group->step();
      break;
    default:
      step_host(any_host());
  }
}

// ---- programs

void World::step_host(Host& host) {
  if (!host.program) {
    if (universe_.now_ms >= host.start_at_ms) start(host);
    return;
  }
  Process& process = *host.process;
  if (process.frozen && universe_.now_ms >= host.thaw_at_ms) {
    universe_.say(host.name, " goes on after its freeze");
    process.frozen = false;
  }
  if (process.cut_off && universe_.now_ms >= host.mend_at_ms) process.cut_off = false;
  if (process.frozen) return;
  guarded(host, [&] {
    if (!host.stopping) return host.program->step();
    if (!host.program->stop()) return;
    universe_.say(host.name, " has stopped");
    host.process->crash_in = -1;
    host.program.reset();
    host.stopping = false;
    host.start_at_ms = universe_.now_ms + universe_.random.below(1'000);
  });
}

void World::guarded(Host& host, const std::function<void()>& work) {
  try {
    work();
  } catch (const Crash&) {
    die(host);
  }
}

void World::start(Host& host) {
  processes_.push_back(std::make_unique<Process>(universe_, host.name + "#" + std::to_string(++host.starts)));
  host.process = processes_.back().get();
  host.process->clock_skew_ms = universe_.random.between(-50, 50);
  if (faulty_ && plan_.crash > 0 && universe_.random.one_in(20)) host.process->crash_in = universe_.random.below(100);
  universe_.say(host.process->name, " starts");
  guarded(host, [&] { host.program = make(host); });
}

std::unique_ptr<Program> World::make(Host& host) {
  switch (host.kind) {
    case Host::Kind::command:
      return std::make_unique<WriterProgram>(*host.process, plan_, kafka_, *groups_[0], *host.index,
                                             hosted(plan_.command_contexts()), ledger_, network_of(host));
    case Host::Kind::saga:
      return std::make_unique<SagaProgram>(*host.process, plan_, kafka_, *groups_[1], *groups_[2], *groups_[3], *host.index, arrows_,
                                           ledger_);
    case Host::Kind::projector:
      break;
  }
  auto views = all_views();
  if (host.views.empty()) host.views.resize(views.size());
  return std::make_unique<ProjectorProgram>(*host.process, kafka_, std::move(views), host.views);
}

void World::die(Host& host) {
  ++crashes_;
  universe_.say(host.process->name, " is dead");
  host.process->alive = false;
  host.program.reset();
  host.stopping = false;
  if (universe_.random.one_in(2)) lose_unsynced(host);  // what a program kept in its memory for the disk
  host.start_at_ms = universe_.now_ms + universe_.random.below(universe_.random.one_in(3) ? 3'000 : 300);
}

// ---- what befalls them

void World::nemesis() {
  Random& random = universe_.random;
  int64_t dice = random.below(10'000);
  const auto falls_on = [&dice](int chance) { return (dice -= chance) < 0; };
  const auto running = [&]() -> Host* {
    Host& host = any_host();
    return host.program && host.process->alive ? &host : nullptr;
  };
  if (falls_on(plan_.crash)) {
    if (Host* host = running()) host->process->crash_in = random.below(30);
  } else if (falls_on(plan_.power_cut)) {
    power_cut(any_host());
  } else if (falls_on(plan_.wipe)) {
    Host& host = any_host();
    if (host.program) die(host);
    universe_.say("the disk of ", host.name, " is gone");
    host.index->wipe();
    for (ViewDisk& view : host.views) view.wipe();
  } else if (falls_on(plan_.stop)) {
    if (Host* host = running()) host->stopping = true;
  } else if (falls_on(plan_.freeze)) {
    if (Host* host = running()) {
      host->thaw_at_ms = universe_.now_ms + random.between(50, 4'000);
      host->process->frozen = true;
      universe_.say(host->process->name, " is frozen for ", host->thaw_at_ms - universe_.now_ms, " ms");
    }
  } else if (falls_on(plan_.cut)) {
    if (Host* host = running()) {
      host->mend_at_ms = universe_.now_ms + random.between(50, 4'000);
      host->process->cut_off = true;
      universe_.say(host->process->name, " is cut off from Kafka for ", host->mend_at_ms - universe_.now_ms, " ms");
    }
  } else if (falls_on(plan_.outage)) {
    kafka_.up = false;
    up_again_ms_ = universe_.now_ms + random.between(10, 1'500);
    universe_.say("Kafka is away for ", up_again_ms_ - universe_.now_ms, " ms");
  } else if (falls_on(plan_.fail_over)) {
    kafka_.fail_over();
  } else if (falls_on(plan_.doubt)) {
    Host* host = running();
    if (auto* writer = host ? dynamic_cast<WriterProgram*>(host->program.get()) : nullptr) writer->doubt();
    if (auto* saga = host ? dynamic_cast<SagaProgram*>(host->program.get()) : nullptr) saga->doubt();
  } else if (falls_on(plan_.disturb)) {
    random.pick(groups_)->disturb();
  }
}

void World::power_cut(Host& host) {
  if (host.program) die(host);
  universe_.say("the machine of ", host.name, " loses power");
  lose_unsynced(host);
}

void World::lose_unsynced(Host& host) {
  host.index->lose_unsynced(universe_.random);
  for (ViewDisk& view : host.views) view.lose_unsynced(universe_.random);
}

void World::heal() {
  universe_.say("all faults stop");
  faulty_ = false;
  kafka_.up = true;
  kafka_.stop_faults();
  for (Host& host : hosts_) {
    host.start_at_ms = std::min(host.start_at_ms, universe_.now_ms);
    if (!host.process) continue;
    host.process->frozen = host.process->cut_off = false;
    host.process->crash_in = -1;
  }
}

void World::come_to_rest() {
  for (int i = 0; i < most_steps_to_rest; ++i) {
    step();
    if (i % 64 != 0 || !restless().empty()) continue;
    for (Host& host : hosts_) step_host(host);
    return;
  }
  throw Violation{"it does not come to rest: " + restless()};
}

// What keeps it from rest; nothing when it has come to it.
std::string World::restless() {
  if (wishes_left_ > 0 || open_wishes_ > 0) return std::to_string(open_wishes_) + " wishes are open";
  if (!messages_.empty()) return "messages are on their way";
  if (!kafka_.settled()) return "records are on their way";
  for (const Host& host : hosts_) {
    if (!host.program || host.stopping) return host.name + " is down";
    if (const auto what = host.program->busy()) return host.name + ": " + *what;
  }
  for (const auto& group : groups_) {
    if (!group->stable()) return "a group rebalances";
    for (const auto& [log, partition] : kafka_.partitions(group->topic()))
      if (group->reads(log.context) && group->position(log).offset != partition.high_watermark())
        return "group " + group->name() + " has not reached the end of " + to_string(log);
  }
  return {};
}

// ---- clients and the network between

void World::step_client(Client& client) {
  if (universe_.now_ms < client.until_ms) return;
  if (client.waiting && !closed_[client.wish]) {
    if (ledger_.wishes[client.wish].with_key) return send(client);
    close(client.wish);  // without a key it cannot be sent again: the outcome stays unknown
  }
  client.waiting = false;
  if (wishes_left_ == 0) return;
  --wishes_left_;
  Wish wish = workload_.next();
  const bool is_poke = wish.command.meta.context == "checkout";  // whose writers clients do not reach
  if (is_poke || (!plan_.saga && universe_.random.one_in(5))) return send_by_topic(wish.command);
  client.waiting = true;
  client.wish = ledger_.wishes.size();
  ledger_.wishes.push_back(std::move(wish));
  closed_.push_back(false);
  ++open_wishes_;
  send(client);
}

void World::send(Client& client) {
  client.until_ms = universe_.now_ms + plan_.deadline_ms + 500;
  const Wish& wish = ledger_.wishes[client.wish];
  const CommandMeta& meta = wish.command.meta;
  Random& random = universe_.random;
  const auto nodes = static_cast<int64_t>(plan_.command_nodes);
  auto to = static_cast<std::size_t>(random.below(nodes));
  const Process* owner = groups_[0]->owner(shard_of(meta.aggregate_id, plan_.shards));
  for (std::size_t i = 0; i < static_cast<std::size_t>(nodes); ++i)
    if (owner && hosts_[i].process == owner && !random.permille(plan_.astray)) to = i;
  const auto send_to = [this, number = client.wish](Host& host) {
    messages_.push_back({&host, [this, number, &host] { take_request(number, host); }});
  };
  if (!lost()) send_to(hosts_[to]);
  if (faulty_ && wish.with_key && random.permille(plan_.repeat_message))
    send_to(hosts_[static_cast<std::size_t>(random.below(nodes))]);
}

// As a translator would: acknowledged, maybe twice.
void World::send_by_topic(Command command) {
  command.meta.id = "topic of " + command.meta.digest;
  command.meta.digest.clear();
  command.meta.expected_version = -1;
  command.meta.fresh_id = false;
  Partition& to = kafka_.at(Topic::commands, {command.meta.context, shard_of(command.meta.aggregate_id, plan_.shards)});
  for (int64_t times = universe_.random.between(1, 2); times > 0; --times) kafka_.append_now(to, command_record(command));
}

void World::close(std::size_t wish) {
  if (closed_[wish]) return;
  closed_[wish] = true;
  --open_wishes_;
}

void World::step_network() {
  if (messages_.empty()) return;
  const auto at = static_cast<std::size_t>(universe_.random.below(static_cast<int64_t>(messages_.size())));
  const Host* to = messages_[at].to;
  if (to && to->program && to->process->frozen) return;  // it waits in the socket
  if (universe_.now_ms < messages_[at].not_before_ms && faulty_) return;
  const auto arrive = std::move(messages_[at].arrive);
  messages_[at] = std::move(messages_.back());
  messages_.pop_back();
  arrive();
}

void World::take_request(std::size_t number, Host& host) {
  if (!host.program || !host.process->alive || host.stopping) return;  // connection refused
  const std::size_t attempt_number = ledger_.attempts.size();
  Wish& wish = ledger_.wishes[number];
  wish.attempts.push_back(attempt_number);
  ledger_.attempts.emplace_back(number, host.process, universe_.now_ms, universe_.step);
  universe_.say(host.process->name, " takes ", wish.command.meta.id, " for ", wish.command.meta.aggregate_id);
  auto& program = static_cast<WriterProgram&>(*host.program);
  guarded(host, [&] {
    program.submit(wish.command, [this, attempt_number, process = host.process, &program](Outcome outcome) {
      Attempt& attempt = ledger_.attempts[attempt_number];
      const CommandMeta& meta = ledger_.wishes[attempt.wish].command.meta;
      universe_.say(process->name, " answers ", meta.id, ": ", describe(outcome));
      if (attempt.outcome) throw Violation{"a caller was answered twice"};
      const bool in_time = universe_.now_ms < attempt.taken_ms + plan_.deadline_ms;
      if (outcome && !outcome.value().events.empty() && in_time && !program.finds(outcome.value()))
        throw Violation{process->name + " acknowledged " + meta.id + ", and a look-up there would not find it"};
      attempt.outcome = std::move(outcome);
      attempt.answered_ms = universe_.now_ms;
      attempt.answered_step = universe_.step;
      if (!lost()) messages_.push_back({nullptr, [this, attempt_number] { take_answer(attempt_number); }});
    });
  });
}

void World::take_answer(std::size_t attempt) {
  const std::size_t number = ledger_.attempts[attempt].wish;
  const Wish& wish = ledger_.wishes[number];
  const Outcome& outcome = *ledger_.attempts[attempt].outcome;
  const bool again = is_unavailable(outcome) && wish.with_key;
  if (outcome) workload_.learn(wish.command.meta.aggregate_id, outcome.value().version);
  if (!again) close(number);
  for (Client& client : clients_)
    if (client.waiting && client.wish == number)
      client.until_ms = universe_.now_ms + (again ? universe_.random.between(20, 400) : 0);
}

// ---- between nodes

PeerNetwork World::network_of(Host& host) {
  if (!plan_.forwarding) return {};
  PeerNetwork network{
      host.name, {}, [this, &host](const std::string& to, int64_t attempt, const Command& command, int64_t timeout_ms) {
        for (Host& other : hosts_)
          if (other.name == to) forward(host, other, attempt, command, timeout_ms);
      }};
  for (const Host& other : hosts_)
    if (other.kind == Host::Kind::command) network.peers.push_back(other.name);
  return network;
}

void World::forward(Host& from, Host& to, int64_t attempt, const Command& command, int64_t timeout_ms) {
  universe_.say(from.process->name, " sends ", command.meta.id, " on to ", to.name);
  const auto arrive = [this, &from, &to, attempt, command, timeout_ms, sender = from.process] {
    take_forwarded(from, to, attempt, command, timeout_ms, sender);  // also when who sent it is dead by then
  };
  if (lost()) return;
  // Nobody repeats it on the way, but its sender does, when it has waited long enough.
  const bool late = faulty_ && universe_.random.permille(plan_.late_message);
  messages_.push_back({&to, arrive, late ? universe_.now_ms + universe_.random.between(0, 1'500) : 0});
}

void World::take_forwarded(Host& from, Host& to, int64_t attempt, const Command& command, int64_t timeout_ms,
                           const Process* sender) {
  const auto answer = [this, &from, attempt, sender](PeerAnswer said) {
    messages_.push_back({&from, [this, &from, attempt, sender, said = std::move(said)] {
                           if (from.process == sender) answer_forwarded(from, attempt, said);
                         }});
  };
  if (!to.program || !to.process->alive || to.stopping) return answer({std::nullopt, false});  // connection refused
  universe_.say(to.process->name, " takes ", command.meta.id, " from ", from.name);
  guarded(to, [&] {
    static_cast<WriterProgram&>(*to.program)
        .take_forwarded(command, timeout_ms,
                        [this, answer, process = to.process, id = command.meta.id](Outcome outcome) {
                          universe_.say(process->name, " answers another node of ", id, ": ", describe(outcome));
                          if (!lost()) answer({std::move(outcome), true});
                        });
  });
}

void World::answer_forwarded(Host& to, int64_t attempt, PeerAnswer answer) {
  if (!to.program || !to.process->alive) return;
  guarded(to, [&] { static_cast<WriterProgram&>(*to.program).heard(attempt, std::move(answer)); });
}

}  // namespace everfold::simulator
