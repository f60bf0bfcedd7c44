// Commands from topics that cannot be read: parked with what follows of their aggregate, while others are decided.
#include "runtime/writer/command_intake.hpp"

#include "command-side/inventory/decider.hpp"
#include "kernel/shard.hpp"
#include "runtime/writer/memory_event_index.hpp"
#include "tests/unit/group_fakes.hpp"

namespace everfold {
namespace {

using inventory::Inventory;
using Kind = ParkingRecord::Kind;
using Strings = std::vector<std::string>;
const LogId inventory0{"inventory", 0};

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() { crash(); }
  // A new program, writer and all: what was in the old one's hands is gone.
  void crash() {
    intake_.reset();
    std::vector<std::unique_ptr<HostedContext>> contexts;
    contexts.push_back(host<Inventory>());
    WriterOptions options;
    options.partitions = partitions_;
    writer_ = std::make_unique<Writer>(options, std::move(contexts), log_source_, log_appender_, index_,
                                       Writer::Edges{[this] { return now_ms_; }, [this] { return now_ms_; }, [this] { return std::to_string(++random_); },
                                                     [](std::string_view) {}});
    restart();
  }
  void restart() {
    intake_.reset();
    parts_ = std::make_unique<ParkingParts>(group_, topic_, now_ms_, parking_options_, partitions_);
    source_ = std::make_unique<FakeSource>(group_);
    intake_ = std::make_unique<CommandIntake>(*source_, *writer_, parts_->parking,
                                              [this](const Command& command, const Rejection&) { refused_.push_back(command.meta.id); });
    for (int shard = 0; shard < partitions_; ++shard) source_->assign({"inventory", shard});
    settle();
  }
  void settle(int64_t after_ms = 0) {
    now_ms_ += after_ms;
    for (int i = 0; i < 20; ++i) {
      intake_->step(0);
      writer_->step(0);
    }
  }
  void send(const std::string& id, const std::string& sku, int64_t quantity) {
    inventory::v1::ReceiveStock body;
    body.set_quantity(quantity);
    Encoded encoded = encode(Inventory::Command(body));
    Command command{{}, std::move(encoded.type), std::move(encoded.bytes)};
    command.meta.id = id;
    command.meta.context = "inventory";
    command.meta.aggregate_id = sku;
    group_.logs[log_].push_back(command_record(command));
  }
  // A command of a later version, until `known_` has its name.
  void send_unknown(const std::string& id, const std::string& sku) {
    send(id, sku, 1);
    for (auto& [name, value] : group_.logs[log_].back().headers)
      if (name == "ce_type") value = "everfold.inventory.Teleport.v1";
  }
  void deploy_the_fix(std::size_t offset) {
    for (auto& [name, value] : group_.logs[inventory0][offset].headers)
      if (name == "ce_type") value = "everfold.inventory.ReceiveStock.v1";
  }
  std::size_t events_of(const std::string& sku) { return index_.events("inventory", sku, 1, 10'000).size(); }
  int64_t position() { return group_.positions[log_].offset; }
  std::string of_shard(int shard, int number = 0) const {
    for (int i = 0;; ++i)
      if (std::string id = "s" + std::to_string(i); shard_of(id, partitions_) == shard && number-- == 0) return id;
  }

  Group group_;
  std::shared_ptr<MemoryLogs> logs_ = std::make_shared<MemoryLogs>(), topic_ = std::make_shared<MemoryLogs>();
  MemoryLogSource log_source_{logs_};
  MemoryLogAppender log_appender_{logs_};
  MemoryEventIndex index_;
  int64_t now_ms_ = 1'000'000;
  int random_ = 0;
  Strings refused_;
  int partitions_ = 1;
  Parking::Options parking_options_;
  LogId log_ = inventory0;  // that commands are sent to
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<ParkingParts> parts_;
  std::unique_ptr<FakeSource> source_;
  std::unique_ptr<CommandIntake> intake_;
};

TEST_F(IntakeTest, DecidesWhatItCanRead) {
  send("1", "x", 5);
  send("2", "x", -5);  // a refusal is a decision
  settle();
  EXPECT_EQ(events_of("x"), 1u);
  EXPECT_EQ(refused_, (Strings{"2"}));
  EXPECT_EQ(position(), 2);
  EXPECT_TRUE(parts_->listed().empty());
}

TEST_F(IntakeTest, ACommandThatIsNotKnownParksItsAggregateAndNoOther) {
  send_unknown("1", "x");
  send("2", "y", 5);
  send("3", "x", 5);
  settle();
  EXPECT_EQ(events_of("y"), 1u);
  EXPECT_EQ(events_of("x"), 0u) << "it must not overtake the one before it";
  EXPECT_EQ(parts_->listed(), (Strings{"inventory.0:0 refused 1 +1"}));
  EXPECT_EQ(position(), 3);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(IntakeTest, ARecordThatIsNoCommandIsParkedAndNotDropped) {
  group_.logs[inventory0].push_back({"x", "garbage", {}});
  group_.logs[inventory0].push_back({"", "", {}});
  send("1", "y", 5);
  settle();
  EXPECT_EQ(parts_->listed(), (Strings{"inventory.0:1 refused 1 +0", "inventory.0:0 refused 1 +0"}));
  EXPECT_EQ(events_of("y"), 1u);
}

TEST_F(IntakeTest, AfterTheFixANewProgramDecidesThemInOrder) {
  send_unknown("1", "x");
  send("2", "x", 5);
  settle();
  restart();
  EXPECT_EQ(parts_->listed(), (Strings{"inventory.0:0 refused 2 +1"})) << "no fix yet";
  deploy_the_fix(0);
  restart();
  settle();
  EXPECT_TRUE(parts_->listed().empty());
  const auto events = index_.events("inventory", "x", 1, 100);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].meta.causation_id, "1");
  EXPECT_EQ(events[1].meta.causation_id, "2");
}

TEST_F(IntakeTest, ASkipLetsTheNextGoOn) {
  send_unknown("1", "x");
  send("2", "x", 5);
  settle();
  parts_->parking.ask(Kind::skip, {inventory0, 0}, {"admin-1", "nobody needs it", 0}, nullptr);
  settle();
  EXPECT_TRUE(parts_->listed().empty());
  EXPECT_EQ(events_of("x"), 1u);
  send("3", "x", 5);
  settle();
  EXPECT_EQ(events_of("x"), 2u);
  group_.positions[inventory0] = {};  // as if its position had not been kept: read again, it is known
  restart();
  EXPECT_TRUE(parts_->listed().empty());
}

TEST_F(IntakeTest, ThePositionWaitsUntilWhatIsParkedIsReadBack) {
  parts_->appender.linger(true);
  send("1", "y", 5);
  send_unknown("2", "x");
  send("3", "y", 5);
  settle();
  EXPECT_EQ(events_of("y"), 2u);
  EXPECT_EQ(position(), 1);
  restart();  // a crash: what lingered is lost
  settle();
  EXPECT_EQ(parts_->listed(), (Strings{"inventory.0:1 refused 1 +0"}));
  EXPECT_EQ(events_of("y"), 2u);
  EXPECT_EQ(position(), 3);
}

TEST_F(IntakeTest, AParkedCommandDoesNotOvertakeOneThatIsNotAnswered) {
  send("1", "x", 5);
  send_unknown("2", "x");
  for (int i = 0; i < 5; ++i) intake_->step(0);  // the writer has no time for the first
  EXPECT_EQ(parts_->listed(), (Strings{"inventory.0:1 refused 1 +0"}));
  EXPECT_EQ(position(), 0);
  deploy_the_fix(1);
  crash();
  settle();
  settle(1'000);
  const auto events = index_.events("inventory", "x", 1, 100);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].meta.causation_id, "1");
  EXPECT_EQ(events[1].meta.causation_id, "2");
  EXPECT_TRUE(parts_->listed().empty());
}

// Its shard may be another node's, whose writer nobody would ask: it would never be answered.
TEST_F(IntakeTest, ACommandInAPartitionThatIsNotItsAggregatesIsParked) {
  partitions_ = 2;
  crash();
  source_->revoke({"inventory", 1});
  settle();
  send("1", of_shard(1), 5);
  send("2", of_shard(0), 5);
  settle();
  EXPECT_EQ(events_of(of_shard(0)), 1u);
  EXPECT_EQ(position(), 2);
  EXPECT_EQ(parts_->listed(), (Strings{"inventory.0:0 refused 1 +0"}));
  EXPECT_NE(parts_->parking.find({inventory0, 0})->parked.message.find("belongs into partition 1"), std::string::npos);
}

TEST_F(IntakeTest, LogsOfWhichTooMuchIsParkedHoldUpNoOther) {
  partitions_ = 6;
  parking_options_.most_open = 1;
  crash();
  for (int shard = 0; shard < 5; ++shard) {
    log_ = {"inventory", shard};
    send_unknown("poison", of_shard(shard));
    for (int i = 0; i < 1'000; ++i) send(std::to_string(i) + " of " + std::to_string(shard), of_shard(shard, 1), 1);
  }
  settle();
  EXPECT_EQ(source_->paused.size(), 5u);
  EXPECT_EQ(parts_->told.size(), 10u) << "each is said to be parked, and that its log waits";
  log_ = {"inventory", 5};
  send("1", of_shard(5), 5);
  settle();
  EXPECT_EQ(events_of(of_shard(5)), 1u);
  parts_->parking.ask(Kind::skip, {inventory0, 0}, {"admin-1", "nobody needs it", 0}, nullptr);
  settle();
  EXPECT_EQ(events_of(of_shard(0, 1)), 1'000u);
  EXPECT_EQ(source_->paused.size(), 4u);
}

TEST_F(IntakeTest, ALogThatCannotBeTakenOverHoldsUpNoOther) {
  partitions_ = 2;
  crash();
  for (int i = 0; i < 4'500; ++i) send(std::to_string(i), of_shard(0), 1);
  int64_t term = 100;
  const auto settle_with_a_rival = [&] {
    for (int i = 0; i < 5; ++i) {
      logs_->append(inventory0, term_record(inventory0, ++term, "rival", "", "n", 0));
      settle();
    }
  };
  settle_with_a_rival();
  log_ = {"inventory", 1};
  send("elsewhere", of_shard(1), 5);
  settle_with_a_rival();
  EXPECT_EQ(events_of(of_shard(0)), 0u);
  EXPECT_EQ(events_of(of_shard(1)), 1u);
}

TEST_F(IntakeTest, RecordsThatCannotBeReadAgainCostOneTimeoutAStep) {
  for (int i = 0; i < 50; ++i) send_unknown(std::to_string(i), "key " + std::to_string(i));
  settle();
  parts_->fetcher.away = true;
  for (int i = 0; i < 50; ++i) parts_->parking.ask(Kind::retry, {inventory0, i}, {"admin-1", "", 0}, nullptr);
  intake_->step(0);
  EXPECT_EQ(parts_->fetcher.fetched, 1);
  parts_->fetcher.away = false;
  settle(1'000);
  EXPECT_EQ(parts_->listed().size(), 50u);
  for (const auto& entry : parts_->listed()) EXPECT_NE(entry.find("refused 2"), std::string::npos) << entry;
}

TEST_F(IntakeTest, CommandsWaitUntilWhatIsParkedIsKnown) {
  send_unknown("1", "x");
  settle();
  parts_ = nullptr;
  restart();
  EXPECT_EQ(parts_->listed().size(), 1u);
  source_->revoke(inventory0);
  settle();
  EXPECT_FALSE(parts_->parking.ready(inventory0));
  parts_->appender.linger(true);
  source_->assign(inventory0);
  send("2", "y", 5);
  settle();
  EXPECT_EQ(events_of("y"), 0u);
  parts_->appender.deliver();
  settle();
  EXPECT_EQ(events_of("y"), 1u);
}

TEST_F(IntakeTest, AnAggregateThatTheWriterCannotReadIsParkedAndTriedAgainByItself) {
  logs_->append(inventory0, term_record(inventory0, 100, "newer", "", "n", 0));
  StoredEvent event;
  event.meta = {"newer.1", "everfold.inventory.StockTeleported.v1", "inventory", "x", 1, 0, "", "newer", "", ""};
  logs_->append(inventory0, event_record(event, {100, 1, 1, 1}));
  for (int i = 0; i < 5; ++i) settle(1'000);  // deposed, and owner again
  send("1", "x", 5);
  send("2", "x", 5);
  send("3", "y", 5);
  settle();
  EXPECT_EQ(events_of("y"), 1u);
  EXPECT_EQ(events_of("x"), 1u);
  ASSERT_EQ(parts_->listed().size(), 1u);
  EXPECT_EQ(parts_->listed()[0], "inventory.0:0 unavailable 1 +1");
  settle(1'200);
  EXPECT_EQ(parts_->listed()[0], "inventory.0:0 unavailable 2 +1");
  EXPECT_EQ(position(), 3);
}

}  // namespace
}  // namespace everfold
