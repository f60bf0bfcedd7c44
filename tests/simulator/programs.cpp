#include "tests/simulator/programs.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "command-side/inventory/decider.hpp"
#include "command-side/orders/decider.hpp"
#include "command-side/payments/decider.hpp"
#include "projections/history/history.hpp"
#include "projections/inventory/stock.hpp"
#include "runtime/views/folded_view.hpp"
#include "saga/checkout/decider.hpp"
#include "saga/translators/checkout_to_inventory.hpp"
#include "saga/translators/checkout_to_orders.hpp"
#include "saga/translators/checkout_to_payments.hpp"
#include "saga/translators/inventory_to_checkout.hpp"
#include "saga/translators/orders_to_checkout.hpp"
#include "saga/translators/payments_to_checkout.hpp"
#include "saga/translators/payments_to_orders.hpp"
#include "tests/simulator/tally.hpp"

namespace everfold::simulator {
namespace {

constexpr int drain_steps = 200;

WriterOptions writer_options(const Process& process, const Plan& plan, const PeerNetwork& network) {
  WriterOptions options;
  options.owner = process.name;
  options.url = network.url;
  options.partitions = plan.shards;
  options.max_in_flight = plan.max_in_flight;
  options.deadline_ms = plan.deadline_ms;
  options.max_doubt_ms = plan.max_doubt_ms;
  options.cached_states = plan.cached_states;
  options.snapshot_every = plan.snapshot_every;
  return options;
}

// Takes money, keeps a till, and is away now and then. A method's name says what becomes of it.
class SimProvider final : public payment_providers::PaymentProvider {
 public:
  SimProvider(Universe& universe, Till& till) : universe_(universe), till_(till) {}

  // Whatever is asked again is answered as before: the payment's id is its idempotency key.
  payment_providers::ChargeOutcome charge(const payment_providers::ChargeRequest& request) override {
    if (away()) return payment_providers::Unavailable{"away"};
    const auto known = charges_.find(request.payment_id);
    const auto outcome = known == charges_.end() ? charges_.emplace(request.payment_id, first_charge(request)).first : known;
    if (away()) return payment_providers::Unavailable{"the answer got lost"};
    return outcome->second;
  }
  payment_providers::RefundOutcome refund(const payment_providers::RefundRequest& request) override {
    if (away()) return payment_providers::Unavailable{"away"};
    till_.returned[request.refund_id] = request.amount.amount();
    if (away()) return payment_providers::Unavailable{"the answer got lost"};
    return payment_providers::Refunded{"refund-" + request.refund_id};
  }
  payment_providers::CancelOutcome cancel(const payment_providers::CancelRequest& request) override {
    if (away()) return payment_providers::Unavailable{"away"};
    if (till_.taken.contains(request.payment_id)) return payment_providers::Captured{"capture-" + request.payment_id};
    charges_.try_emplace(request.payment_id, payment_providers::Declined{"cancelled"});
    return payment_providers::Cancelled{};
  }
  payment_providers::CallbackNews read(const payment_providers::RawRequest&) override { return payment_providers::Unauthentic{}; }
  payment_providers::CallbackAnswer answer(payment_providers::CallbackResult) const override { return {}; }

 private:
  payment_providers::ChargeOutcome first_charge(const payment_providers::ChargeRequest& request) {
    if (request.method == "decline") return payment_providers::Declined{"no money"};
    if (request.method == "manual") return payment_providers::Pending{"waiting-" + request.payment_id, std::nullopt};
    till_.taken[request.payment_id] = request.amount.amount();
    return payment_providers::Captured{"capture-" + request.payment_id};
  }
  bool away() { return universe_.random.one_in(4); }

  Universe& universe_;
  Till& till_;
  std::map<std::string, payment_providers::ChargeOutcome> charges_;  // by payment
};

std::unique_ptr<HostedContext> hosted_as(const std::string& context) {
  if (context == "inventory") return host<inventory::Inventory>();
  if (context == "orders") return host<orders::Orders>();
  if (context == "payments") return host<payments::Payments>();
  check(context == "checkout", "the simulator has no such context");
  return host<checkout::Checkout>();
}

// As they are where now and then something is away: what they refuse is parked.
Translator::Reactions troubled(Translator::Reactions reactions, Universe& universe, int permille) {
  for (auto& [context, listeners] : reactions)
    listeners.insert(listeners.begin(), [&universe, permille](const StoredEvent&) -> Translator::Reacted {
      if (universe.random.permille(permille)) return {reject(Code::unavailable, "not now")};
      return {std::vector<Command>()};
    });
  return reactions;
}

}  // namespace

std::vector<std::unique_ptr<HostedContext>> hosted(const std::vector<std::string>& contexts) {
  std::vector<std::unique_ptr<HostedContext>> made;
  for (const std::string& context : contexts) made.push_back(hosted_as(context));
  return made;
}

std::vector<std::unique_ptr<View>> all_views() {
  std::vector<std::unique_ptr<View>> views;
  views.push_back(std::make_unique<FoldedView<inventory::Stock>>(0));
  views.push_back(std::make_unique<FoldedView<history::History>>());
  views.push_back(std::make_unique<FoldedView<Tally>>(1'000));
  return views;
}

// ---- parking

ParkingPlace::ParkingPlace(Process& process, const Plan& plan, Kafka& kafka, const Group& group)
    : source_(process, kafka, Topic::parked),
      appender_(process, kafka, Topic::parked),
      fetcher_(process, kafka, group.topic()),
      parking_(group.name(), group.contexts(), plan.shards, {source_, appender_, fetcher_},
               {[&process] { return process.universe->now_ms; }, [&process] { return process.universe->now_ms; },
                [this, &process] { return process.name + "-parking-" + std::to_string(++random_ids_); },
                [&process](std::string_view what, const Parked& parked) {
                  process.universe->say(process.name, ": ", what, " ", parked.id, " of ", parked.aggregate_id);
                }},
               {.first_retry_ms = 20, .last_retry_ms = 300, .append_again_ms = 500}) {}

std::optional<OutgoingRecord> ParkingPlace::Fetcher::fetch(const LogId& log, int64_t offset, int) {
  if (!process_.touch() || !kafka_.up || !process_.reaches_kafka()) return std::nullopt;
  const Partition& partition = kafka_.at(topic_, log);
  if (offset >= partition.high_watermark()) return std::nullopt;
  return partition.records[static_cast<std::size_t>(offset)]->content;
}

// ---- a command node, and the process manager's

WriterProgram::WriterProgram(Process& process, const Plan& plan, Kafka& kafka, Group& group, IndexDisk& disk,
                             std::vector<std::unique_ptr<HostedContext>> contexts, Ledger& ledger, PeerNetwork network)
    : process_(process),
      source_(process, kafka),
      appender_(process, kafka),
      index_(process, disk),
      disk_(disk),
      forwarder_(process, network,
                 {[this] { return now_ms(); }, [this](QueuedCommand queued) { writer_.submit(std::move(queued)); },
                  [this](ReadWait wait) { writer_.when_read(std::move(wait)); }}),
      writer_(writer_options(process, plan, network), std::move(contexts), source_, appender_, index_,
              {[this] { return now_ms(); }, [this] { return now_ms() + process_.clock_skew_ms; },
               [this] {
                 return process_.name + "-" + std::to_string(process_.universe->step) + "-" +
                        std::to_string(++random_ids_);
               },
               [this](std::string_view sentence) { process_.universe->say(process_.name, ": ", sentence); },
               elsewhere(network)}),
      group_(process, group),
      parking_(process, plan, kafka, group),
      intake_(group_, writer_, parking_.parking(), [this, &ledger](const Command& command, const Rejection& rejection) {
        ledger.refusals.push_back({command, rejection, process_.universe->step});
      }) {}

std::function<void(QueuedCommand, const std::string&)> WriterProgram::elsewhere(const PeerNetwork& network) {
  if (network.peers.empty()) return nullptr;
  return [this](QueuedCommand queued, const std::string& url) { forwarder_.forward(std::move(queued), url); };
}

void WriterProgram::take_forwarded(Command command, int64_t timeout_ms, Reply reply) {
  QueuedCommand queued{std::move(command), std::move(reply), now_ms() + timeout_ms};
  queued.forwarded = true;
  writer_.submit(std::move(queued));
}

bool WriterProgram::finds(const CommandDone& done) const {
  const EventMeta& last = done.events.back().meta;
  return !index_.events(last.context, last.aggregate_id, last.version, 1).empty();
}

void WriterProgram::step() {
  switch (process_.universe->random.below(5)) {
    case 0:
      source_.fetch();
      break;
    case 1:
      intake_.step(0);
      break;
    case 2:
      forwarder_.step();
      break;
    default:
      writer_.step(0);
  }
}

// What was taken is answered, then the writer ends.
bool WriterProgram::stop() {
  if (++stop_steps_ < drain_steps / 2 && !forwarder_.idle()) {
    step();
    return false;
  }
  intake_.stop();
  source_.fetch();
  if (!writer_.drained() && stop_steps_ < drain_steps) {
    writer_.step(0);
    return false;
  }
  forwarder_.close();
  intake_.step(0);
  group_.leave();
  return true;
}

std::optional<std::string> WriterProgram::busy() const {
  if (!writer_.ready() && group_.has_any()) return "it does not own what it should";
  for (const LogStatus& log : writer_.status()) {
    if (log.pending > 0) return "commands are pending in " + to_string(log.log);
    if (!disk_.store().timers(log.log).empty()) return "a timer has yet to ring in " + to_string(log.log);
  }
  if (!source_.at_end()) return "its logs are not read to the end";
  if (!parking_.empty()) return "a command is parked";
  if (!forwarder_.idle()) return "commands are on their way to other nodes";
  if (!group_.idle()) return "positions are not committed";
  return std::nullopt;
}

// ---- translators

Arrows::Arrows(Universe& universe, const Plan& plan, Till& till) : gateway(providers, "") {
  const int64_t payment_timeout_ms = plan.payment_timeout_ms;
  providers.add("sim", std::make_unique<SimProvider>(universe, till));
  translators = {{"orders", {[=](const StoredEvent& event) { return orders_to_checkout::react(event, payment_timeout_ms); }}},
                 {"inventory", {inventory_to_checkout::react}},
                 {"payments", {payments_to_checkout::react, payments_to_orders::react}},
                 {"checkout", {checkout_to_inventory::react, checkout_to_payments::react, checkout_to_orders::react}}};
  payments = {{"payments", {[this, &universe](const StoredEvent& event) -> Translator::Reacted {
                 if (universe.random.one_in(4)) return Translator::Later{universe.random.below(50)};
                 return gateway.react(event);
               }}}};
}

TranslatorProgram::TranslatorProgram(Process& process, const Plan& plan, Kafka& kafka, Group& group, Translator::Reactions reactions)
    : source_(process, group),
      parking_(process, plan, kafka, group),
      sender_(process, kafka, plan.shards),
      translator_(source_, sender_, parking_.parking(), std::move(reactions), [](const LogId&, const Rejection&, int64_t) {},
                  {[&process] { return process.universe->now_ms; }, [&process] { return process.universe->now_ms; }},
                  {.backoff_first_ms = 20, .backoff_max_ms = 300, .patience_ms = 100, .batch_commands = 4, .backlog_max_events = 30}) {}

SagaProgram::SagaProgram(Process& process, const Plan& plan, Kafka& kafka, Group& commands, Group& translators, Group& payments,
                         IndexDisk& disk, const Arrows& arrows, Ledger& ledger)
    : process_(process),
      writer_(process, plan, kafka, commands, disk, hosted({"checkout"}), ledger),
      translators_(process, plan, kafka, translators, troubled(arrows.translators, *process.universe, plan.unhandled)),
      payments_(process, plan, kafka, payments, arrows.payments) {}

void SagaProgram::step() {
  switch (process_.universe->random.below(4)) {
    case 0:
      translators_.step();
      break;
    case 1:
      payments_.step();
      break;
    default:
      writer_.step();
  }
}

bool SagaProgram::stop() {
  if (!writer_.stop()) return false;
  translators_.leave();
  payments_.leave();
  return true;
}

std::optional<std::string> SagaProgram::busy() const {
  if (!translators_.idle() || !payments_.idle()) return "a translator has positions to commit, or parked events";
  return writer_.busy();
}

// ---- the projector

ProjectorProgram::ProjectorProgram(Process& process, Kafka& kafka, std::vector<std::unique_ptr<View>> views,
                                   std::vector<ViewDisk>& disks)
    : process_(process) {
  for (std::size_t i = 0; i < views.size(); ++i) {
    std::vector<LogId> logs;
    for (const auto& [log, partition] : kafka.partitions(Topic::events))
      if (views[i]->context() == every_context || log.context == views[i]->context()) logs.push_back(log);
    foldings_.push_back(std::make_unique<Folding>(process, kafka, std::move(views[i]), disks[i], logs));
  }
}

void ProjectorProgram::step() {
  Folding& folding = *process_.universe->random.pick(foldings_);
  folding.source.poll(0, [&](std::size_t log, const RecordView& record) { folding.fold.take(log, record); });
  folding.fold.fold();
  if (process_.universe->random.one_in(3)) folding.fold.write();
}

bool ProjectorProgram::stop() {
  for (const auto& folding : foldings_) folding->fold.write();
  return true;
}

std::optional<std::string> ProjectorProgram::busy() const {
  for (const auto& folding : foldings_)
    if (!folding->source.at_end() || folding->fold.unwritten_records() > 0)
      return "view " + std::string(folding->view->name()) + " is behind";
  return std::nullopt;
}

}  // namespace everfold::simulator
