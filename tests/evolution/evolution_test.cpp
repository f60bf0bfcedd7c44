// One context through three releases, over a real Kafka and RocksDB, by the real writer, projector and translation:
// each release finds in its log what the ones before it have written. And a release that is taken back finds what it
// cannot read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "command-side/edge/lookup.hpp"
#include "kernel/shard.hpp"
#include "platform/kafka/log_source.hpp"
#include "platform/kafka/topology.hpp"
#include "platform/rocksdb/view_store.hpp"
#include "runtime/log/log_tail.hpp"
#include "runtime/views/folded_view.hpp"
#include "runtime/views/projector.hpp"
#include "runtime/writer/memory_event_index.hpp"
#include "runtime/writer/writer.hpp"
#include "saga/translators/translation.hpp"
#include "tests/contract/kafka_for_tests.hpp"
#include "tests/contract/temporary_folder.hpp"
#include "tests/evolution/parcels.hpp"
#include "tests/messages.hpp"

namespace everfold::parcels {
namespace {

using testing::make;
using testing::same;

constexpr std::chrono::seconds soon{30};

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}
void warn(std::string_view) {}

// The view as release 1 had it.
struct DepotsOfRelease1 {
  static constexpr std::string_view name = Depots::name;
  static constexpr std::string_view context = Depots::context;
  static constexpr int version = Depots::version - 1;
  using Row = v1::DepotRow;
  using Event = EventOfRelease1;

  static std::vector<std::string> keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }
  static std::optional<Row> fold(std::optional<Row> row, const Event&, const EventMeta& meta) {
    if (!row) row.emplace();
    row->set_version(meta.version);
    return row;
  }
};
static_assert(Projection<DepotsOfRelease1>);

class Installation {
 public:
  Installation() : options_(tests::kafka_options("evolution")) {
    const auto refusal = kafka::ensure_topics(options_, {"parcels"}, 30'000);
    EXPECT_EQ(refusal, std::nullopt);
  }
  const kafka::KafkaOptions& options() const { return options_; }
  std::vector<LogId> logs() const {
    std::vector<LogId> all;
    for (int shard = 0; shard < options_.partitions; ++shard) all.push_back({"parcels", shard});
    return all;
  }
  std::unique_ptr<LogSource> source() const {
    return kafka::make_log_source(options_, kafka::Reading::low_latency, warn);
  }

  // The accepted events of a depot as they lie in the log, at least `count` of them.
  std::vector<StoredEvent> events(const std::string& depot, std::size_t count) const {
    const LogId log{"parcels", shard_of(depot, options_.partitions)};
    LogTail tail(log, {});
    const auto reader = source();
    reader->assign({{log, 0}});
    std::vector<StoredEvent> found;
    const auto until = std::chrono::steady_clock::now() + soon;
    while (found.size() < count && std::chrono::steady_clock::now() < until)
      reader->poll(50, [&](std::size_t, const RecordView& record) {
        if (auto step = tail.feed(record); step.commit)
          for (StoredEvent& event : step.commit->events)
            if (event.meta.aggregate_id == depot) found.push_back(std::move(event));
      });
    return found;
  }

 private:
  const kafka::KafkaOptions options_;
};

// The command side of one release: it takes the logs over and knows nothing but what they hold.
template <class D>
class Release {
 public:
  explicit Release(const Installation& installation)
      : source_(installation.source()), appender_(kafka::make_log_appender(installation.options(), warn)) {
    std::vector<std::unique_ptr<HostedContext>> contexts;
    contexts.push_back(host<D>());
    WriterOptions options;
    options.owner = options.url = "http://release";
    options.partitions = installation.options().partitions;
    writer_ = std::make_unique<Writer>(options, std::move(contexts), *source_, *appender_, index_,
                                       Writer::Edges{now_ms, now_ms, [] { return "nonce-" + std::to_string(now_ms()); }, warn});
    writer_->own(installation.logs());
  }

  template <class Message>
  Outcome send(const std::string& id, const std::string& depot, const Message& message) {
    Encoded encoded = encode_message(message);
    everfold::Command command{{}, std::move(encoded.type), std::move(encoded.bytes)};
    command.meta.id = id;
    command.meta.context = "parcels";
    command.meta.aggregate_id = depot;
    command.meta.time_ms = now_ms();
    std::optional<Outcome> outcome;
    writer_->submit(std::move(command), [&](Outcome heard) { outcome = std::move(heard); });
    const auto until = std::chrono::steady_clock::now() + soon;
    while (!outcome && std::chrono::steady_clock::now() < until) writer_->step(20);
    check(outcome.has_value(), "a command is not answered");
    return std::move(*outcome);
  }
  // As a sender of release 1 does, whoever takes it.
  Outcome send_parcel(const std::string& id, const std::string& depot, const std::string& to, int64_t grams) {
    v1::SendParcel command;
    command.set_to(to);
    command.set_grams(grams);
    return send(id, depot, command);
  }
  const EventIndex& index() const { return index_; }

 private:
  std::unique_ptr<LogSource> source_;
  std::unique_ptr<LogAppender> appender_;
  MemoryEventIndex index_;
  std::unique_ptr<Writer> writer_;
};

// Folds the view until it stands at the end of the logs; what it warns of meanwhile.
template <class V>
std::vector<std::string> project(const Installation& installation, ViewShelf& shelf) {
  std::vector<std::string> said;
  const auto say = [](std::string_view) {};
  const auto remember = [&said](std::string_view sentence) { said.emplace_back(sentence); };
  BuildTurn turn;
  Projector projector([] { return std::make_unique<FoldedView<V>>(); }, installation.logs(),
                      {shelf, [&](bool) { return installation.source(); }, now_ms, say, remember, turn});
  std::jthread thread([&](const std::stop_token& stop) { projector.run(stop); });
  const auto until = std::chrono::steady_clock::now() + soon;
  while (!projector.status().caught_up && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(projector.status().caught_up);
  thread.request_stop();
  thread.join();
  return said;
}

std::string depot_of(const ViewShelf& shelf, ViewStore& store, const std::string& depot) {
  const auto bytes = store.row(depot);
  v1::DepotRow row;
  EXPECT_TRUE(bytes && row.ParseFromString(*bytes)) << "generation " << shelf.live() << " has no depot " << depot;
  return row.ShortDebugString();
}

std::string type(const Outcome& outcome) {
  return outcome ? outcome.value().events.at(0).meta.type : outcome.error().message;
}

class EvolutionTest : public ::testing::Test {
 protected:
  Installation installation_;
  testing::TemporaryFolder folder_{testing::in_memory()};
  const RocksMemory memory_{1 << 20, 1 << 20};
  RocksViewShelf shelf_{folder_.path(), "depots", memory_};
};

TEST_F(EvolutionTest, TodaysDeciderViewAndTranslatorAreUnawareOfFormerVersions) {
  {
    Release<ParcelsOfRelease1> release(installation_);
    ASSERT_EQ(type(release.send_parcel("c1", "lisbon", "Ann, PT", 20'000)), "everfold.parcels.ParcelSent.v1");
    ASSERT_TRUE(release.send("c2", "lisbon", make<v1::DeliverParcel>("parcel: 1")));
  }
  {
    Release<ParcelsOfRelease2> release(installation_);
    ASSERT_EQ(type(release.send_parcel("c3", "lisbon", "Bob, DE", 9'000)), "everfold.parcels.ParcelSent.v2");
  }
  Release<Parcels> release(installation_);
  const auto refused = release.send_parcel("c4", "lisbon", "Eve, DE", 1'001);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::amount_out_of_range)
      << "decided on what former versions say: " << refused.error().message;
  ASSERT_EQ(type(release.send_parcel("c5", "lisbon", "Eve, DE", 1'000)), "everfold.parcels.ParcelDispatched.v3");
  const auto again = release.send("c6", "lisbon", make<v1::DeliverParcel>("parcel: 1"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again.value().events.empty()) << "release 1 has delivered it";

  // A command of release 1 that comes again is answered from its event: as it was written, read as the newest.
  const auto repeated = release.send_parcel("c1", "lisbon", "Ann, PT", 20'000);
  ASSERT_EQ(type(repeated), "everfold.parcels.ParcelSent.v1");
  EXPECT_TRUE(same(testing::message_of(edge::read_event<Event>(repeated.value().events.at(0))),
                   make<v3::ParcelDispatched>("name: 'Ann' country: 'PT' grams: 20000")));

  EXPECT_THAT(project<Depots>(installation_, shelf_), ::testing::IsEmpty());
  EXPECT_EQ(depot_of(shelf_, *shelf_.open(shelf_.live()).store, "lisbon"),
            make<v1::DepotRow>("version: 4 dispatched: 3 delivered: 1 grams: 30000 by_country { key: 'DE' value: 2 }"
                               "by_country { key: 'PT' value: 1 }")
                .ShortDebugString());

  const auto events = installation_.events("lisbon", 4);
  std::vector<std::string> types, commands;
  for (const StoredEvent& event : events) {
    types.push_back(event.meta.type);
    const auto translated = translate<Event>(
        event,
        overloaded{[&](const v3::ParcelDispatched& e) {
                     v1::DeliverParcel deliver;
                     deliver.set_parcel(e.grams());
                     return Commands{
                         Translation(event.meta, "translator:test").to(e.name() + " in " + e.country(), deliver)};
                   },
                   [](const v1::ParcelDelivered&) { return Commands{}; }});
    ASSERT_TRUE(translated);
    for (const everfold::Command& command : translated.value()) commands.push_back(command.meta.aggregate_id);
  }
  EXPECT_EQ(types, (std::vector<std::string>{"everfold.parcels.ParcelSent.v1", "everfold.parcels.ParcelDelivered.v1",
                                             "everfold.parcels.ParcelSent.v2", "everfold.parcels.ParcelDispatched.v3"}))
      << "the log is what it was";
  EXPECT_EQ(commands, (std::vector<std::string>{"Ann in PT", "Bob in DE", "Eve in DE"}));
}

// A node that has not been upgraded yet, or a release that is taken back.
TEST_F(EvolutionTest, AFormerReleaseHoldsUpWhatItCannotReadAndNothingElse) {
  {
    Release<Parcels> release(installation_);
    ASSERT_TRUE(release.send_parcel("c1", "lisbon", "Ann, PT", 1));
  }
  Release<ParcelsOfRelease1> former(installation_);
  const auto refused = former.send_parcel("c2", "lisbon", "Bob, DE", 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_NE(refused.error().message.find("cannot read event 1 of lisbon (everfold.parcels.ParcelDispatched.v3"),
            std::string::npos)
      << refused.error().message;
  ASSERT_EQ(type(former.send_parcel("c3", "porto", "Bob, DE", 1)), "everfold.parcels.ParcelSent.v1");

  const auto said = project<DepotsOfRelease1>(installation_, shelf_);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("cannot read event 1 of lisbon"), std::string::npos) << said[0];
  {
    const auto store = shelf_.open(shelf_.live()).store;
    EXPECT_EQ(depot_of(shelf_, *store, "porto"), "version: 1");
    EXPECT_FALSE(store->row("lisbon")) << "no row is better than one with a hole";
    int marked = 0;
    store->index(std::string(parked_prefix) + "lisbon",
                 [&](std::string_view, std::string_view) { return ++marked > 0; });
    EXPECT_EQ(marked, 1);
  }

  project<Depots>(installation_, shelf_);  // the upgrade: its version is the next, so it is folded anew
  const auto store = shelf_.open(shelf_.live()).store;
  EXPECT_EQ(
      depot_of(shelf_, *store, "lisbon"),
      make<v1::DepotRow>("version: 1 dispatched: 1 grams: 1 by_country { key: 'PT' value: 1 }").ShortDebugString());
  EXPECT_EQ(
      depot_of(shelf_, *store, "porto"),
      make<v1::DepotRow>("version: 1 dispatched: 1 grams: 1 by_country { key: 'DE' value: 1 }").ShortDebugString());
}

}  // namespace
}  // namespace everfold::parcels
