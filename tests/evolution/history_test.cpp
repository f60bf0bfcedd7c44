// What readers of the history see of former versions: the log as it was written, and rows as today's view folds them.
#include "query-api/reads/history.hpp"

#include <gtest/gtest.h>

#include "kernel/codec.hpp"
#include "runtime/views/folded_view.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "tests/evolution/parcels.hpp"
#include "tests/messages.hpp"

namespace everfold::parcels {
namespace {

using testing::make;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    append(encode_message(make<v1::ParcelSent>("to: 'Ann, PT' kilograms: 2.5")));
    append(encode_message(make<v2::ParcelSent>("to: 'Bob, DE' grams: 700")));
    append(encode_message(make<v3::ParcelDispatched>("name: 'Eve' country: 'DE' grams: 1")));
  }

  MemoryViewStore store_;

 private:
  void append(Encoded written) {
    FoldedView<history::History> view;
    view.attach(store_);
    StoredEvent event;
    event.meta.context = "parcels";
    event.meta.aggregate_id = "lisbon";
    event.meta.version = ++version_;
    event.meta.time_ms = version_ * 1'000;
    event.meta.type = std::move(written.type);
    event.bytes = std::move(written.bytes);
    ASSERT_TRUE(view.fold(event));
    ViewBatch batch;
    view.take_changes(batch);
    store_.write(batch);
  }

  int64_t version_ = 0;
};

TEST_F(HistoryTest, ShowsWhatWasWrittenUnderItsOwnType) {
  const auto items = query::history_items<Depots>(store_, "lisbon");
  ASSERT_EQ(items.size(), 3u);
  EXPECT_NE(items[0].find(R"("type":"ParcelSent",)"), std::string::npos) << items[0];
  EXPECT_NE(items[0].find(R"("data":{"to":"Ann, PT","kilograms":2.5})"), std::string::npos) << items[0];
  EXPECT_NE(items[1].find(R"("type":"ParcelSent.v2",)"), std::string::npos) << items[1];
  EXPECT_NE(items[1].find(R"("data":{"to":"Bob, DE","grams":700})"), std::string::npos) << items[1];
  EXPECT_NE(items[2].find(R"("type":"ParcelDispatched.v3",)"), std::string::npos) << items[2];
}

TEST_F(HistoryTest, ARowAsItStoodIsFoldedByTodaysCode) {
  const auto row = query::row_as_of<Depots>(store_, "lisbon", 2'000);
  ASSERT_TRUE(row.has_value());
  EXPECT_TRUE(
      testing::same(*row, make<v1::DepotRow>("version: 2 dispatched: 2 grams: 3200 by_country { key: 'DE' value: 1 }"
                                             "by_country { key: 'PT' value: 1 }")))
      << row->ShortDebugString();
}

}  // namespace
}  // namespace everfold::parcels
