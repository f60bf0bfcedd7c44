// The programs of the simulation: the real runtime on simulated ports. A step is what one of a program's threads does next.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/parking/parking.hpp"
#include "runtime/translator.hpp"
#include "runtime/views/view_fold.hpp"
#include "runtime/writer/command_intake.hpp"
#include "runtime/writer/writer.hpp"
#include "saga/payment-providers/payment_gateway.hpp"
#include "tests/simulator/disk.hpp"
#include "tests/simulator/forwarding.hpp"
#include "tests/simulator/group.hpp"
#include "tests/simulator/ledger.hpp"
#include "tests/simulator/log_ports.hpp"
#include "tests/simulator/plan.hpp"

namespace everfold::simulator {

class Program {
 public:
  virtual ~Program() = default;
  virtual void step() = 0;
  // SIGTERM: one step of a clean end; true when it is reached.
  virtual bool stop() = 0;
  // Nothing is left to do; otherwise what.
  virtual std::optional<std::string> busy() const = 0;
};

// What a consumer needs to park what it cannot handle.
class ParkingPlace {
 public:
  ParkingPlace(Process& process, const Plan& plan, Kafka& kafka, const Group& group);
  Parking& parking() { return parking_; }
  bool empty() const { return !parking_.busy() && parking_.list(false, 1).empty(); }

 private:
  class Fetcher final : public RecordFetcher {
   public:
    Fetcher(Process& process, Kafka& kafka, Topic topic) : process_(process), kafka_(kafka), topic_(topic) {}
    std::optional<OutgoingRecord> fetch(const LogId& log, int64_t offset, int timeout_ms) override;

   private:
    Process& process_;
    Kafka& kafka_;
    const Topic topic_;
  };

  SimLogSource source_;
  SimLogAppender appender_;
  Fetcher fetcher_;
  int random_ids_ = 0;
  Parking parking_;
};

class WriterProgram final : public Program {
 public:
  WriterProgram(Process& process, const Plan& plan, Kafka& kafka, Group& group, IndexDisk& disk,
                std::vector<std::unique_ptr<HostedContext>> contexts, Ledger& ledger, PeerNetwork network = {});

  void submit(Command command, Reply reply) { writer_.submit(std::move(command), std::move(reply)); }
  // From another node, which waits that long.
  void take_forwarded(Command command, int64_t timeout_ms, Reply reply);
  void heard(int64_t attempt, PeerAnswer answer) { forwarder_.heard(attempt, std::move(answer)); }
  // Whether a look-up here finds what a caller was told.
  bool finds(const CommandDone& done) const;
  void step() override;
  bool stop() override;
  std::optional<std::string> busy() const override;
  void doubt() { appender_.doubt(); }

 private:
  int64_t now_ms() const { return process_.universe->now_ms; }
  std::function<void(QueuedCommand, const std::string&)> elsewhere(const PeerNetwork& network);

  Process& process_;
  SimLogSource source_;
  SimLogAppender appender_;
  SimEventIndex index_;
  const IndexDisk& disk_;
  SimForwarder forwarder_;
  Writer writer_;
  SimGroupSource group_;
  ParkingPlace parking_;
  CommandIntake intake_;
  int random_ids_ = 0;
  int stop_steps_ = 0;
};

class TranslatorProgram {
 public:
  TranslatorProgram(Process& process, const Plan& plan, Kafka& kafka, Group& group, Translator::Reactions reactions);
  void step() { translator_.step(); }
  void leave() { source_.leave(); }
  bool idle() const { return source_.idle() && parking_.empty(); }

 private:
  SimGroupSource source_;
  ParkingPlace parking_;
  SimCommandSender sender_;
  Translator translator_;
};

// What the checkout's programs share: its arrows, and the provider that takes the money.
struct Arrows {
  Arrows(Universe& universe, const Plan& plan, Till& till);

  payment_providers::Registry providers;
  payment_providers::PaymentGateway gateway;
  Translator::Reactions translators, payments;
};

class SagaProgram final : public Program {
 public:
  SagaProgram(Process& process, const Plan& plan, Kafka& kafka, Group& commands, Group& translators, Group& payments,
              IndexDisk& disk, const Arrows& arrows, Ledger& ledger);
  void step() override;
  bool stop() override;
  std::optional<std::string> busy() const override;
  void doubt() { writer_.doubt(); }

 private:
  Process& process_;
  WriterProgram writer_;
  TranslatorProgram translators_, payments_;
};

class ProjectorProgram final : public Program {
 public:
  ProjectorProgram(Process& process, Kafka& kafka, std::vector<std::unique_ptr<View>> views, std::vector<ViewDisk>& disks);
  void step() override;
  bool stop() override;
  std::optional<std::string> busy() const override;

 private:
  struct Folding {
    Folding(Process& process, Kafka& kafka, std::unique_ptr<View> what, ViewDisk& disk, const std::vector<LogId>& logs)
        : view(std::move(what)), store(process, disk), fold(*view, store, logs), source(process, kafka) {
      source.assign(fold.positions());
    }
    std::unique_ptr<View> view;
    SimViewStore store;
    ViewFold fold;
    SimLogSource source;
  };
  Process& process_;
  std::vector<std::unique_ptr<Folding>> foldings_;
};

std::vector<std::unique_ptr<HostedContext>> hosted(const std::vector<std::string>& contexts);
std::vector<std::unique_ptr<View>> all_views();

}  // namespace everfold::simulator
