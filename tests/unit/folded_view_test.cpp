#include "runtime/views/folded_view.hpp"

#include "projections/inventory/stock.hpp"
#include "runtime/views/memory_view_store.hpp"
#include "schemas/catalog/v1/views.pb.h"
#include "tests/messages.hpp"

namespace everfold {
namespace {

using testing::make;

// A view whose rows come and go, and move in its index.
struct Shelves {
  static constexpr std::string_view name = "shelves";
  static constexpr std::string_view context = "inventory";
  static constexpr int version = 1;
  using Row = inventory::v1::StockRow;
  using Event = inventory::Event;

  static std::vector<std::string> keys_of(const Event&, const EventMeta& meta) { return {meta.aggregate_id}; }
  static std::optional<Row> fold(std::optional<Row> row, const Event& event, const EventMeta& meta) {
    const auto* received = std::get_if<inventory::v1::StockReceived>(&event);
    if (!received) return std::nullopt;
    if (!row) row.emplace().set_sku(meta.aggregate_id);
    row->set_on_hand(received->on_hand());
    return row;
  }
  static std::vector<std::string> index_keys_of(const Row& row) {
    return {"all/" + row.sku(), "by-level/" + std::to_string(row.on_hand())};
  }
};
static_assert(Indexed<Shelves>);

StoredEvent stored(const inventory::Event& event) {
  auto [type, bytes] = encode(event);
  StoredEvent result;
  result.meta.type = std::move(type);
  result.meta.aggregate_id = "MUG";
  result.bytes = std::move(bytes);
  return result;
}
StoredEvent received(int64_t on_hand) {
  return stored(make<inventory::v1::StockReceived>("on_hand: " + std::to_string(on_hand)));
}
StoredEvent gone() { return stored(make<inventory::v1::StockCommitted>()); }

class FoldedViewTest : public ::testing::Test {
 protected:
  void SetUp() override { view_.attach(store_); }
  ViewBatch fold(const std::vector<StoredEvent>& events) {
    for (const auto& event : events) EXPECT_TRUE(view_.fold(event));
    ViewBatch batch;
    view_.take_changes(batch);
    store_.write(batch);
    return batch;
  }
  MemoryViewStore store_;
  FoldedView<Shelves> view_;
};

TEST_F(FoldedViewTest, WritesARowOnceABatch) {
  const auto batch = fold({received(1), received(2), received(3)});
  EXPECT_EQ(batch.rows.size(), 1u);
  EXPECT_EQ(store_.all_index(), (MemoryViewStore::Sorted{{"all/MUG", "MUG"}, {"by-level/3", "MUG"}}));
  EXPECT_TRUE(fold({}).rows.empty());
}

TEST_F(FoldedViewTest, MovesOnlyTheIndexEntriesThatChange) {
  fold({received(1)});
  const auto batch = fold({received(2)});
  EXPECT_EQ(batch.index_deletes, std::vector<std::string>{"by-level/1"});
  EXPECT_EQ(batch.index_puts, (std::vector<std::pair<std::string, std::string>>{{"by-level/2", "MUG"}}));
}

TEST_F(FoldedViewTest, ADeletedRowTakesItsIndexEntriesWithIt) {
  fold({received(1)});
  fold({gone()});
  EXPECT_TRUE(store_.all_rows().empty());
  EXPECT_TRUE(store_.all_index().empty());
  fold({received(4)});
  EXPECT_EQ(store_.all_index(), (MemoryViewStore::Sorted{{"all/MUG", "MUG"}, {"by-level/4", "MUG"}}));
}

TEST_F(FoldedViewTest, KnowsTheIndexEntriesOfARowThatItReadsBack) {
  fold({received(1)});
  view_.attach(store_);
  fold({received(2)});
  EXPECT_EQ(store_.all_index(), (MemoryViewStore::Sorted{{"all/MUG", "MUG"}, {"by-level/2", "MUG"}}));
}

TEST_F(FoldedViewTest, RefusesWhatItCannotRead) {
  auto unknown = received(1);
  unknown.meta.type = "everfold.inventory.StockTeleported.v1";
  EXPECT_FALSE(view_.fold(unknown));
  auto damaged = received(1);
  damaged.bytes = "\xff\xff";
  EXPECT_FALSE(view_.fold(damaged));
}

TEST_F(FoldedViewTest, ARowThatIsNoRowIsDamage) {
  ViewBatch batch;
  batch.rows.emplace_back("MUG", "\xff\xff");
  store_.write(batch);
  EXPECT_THROW(view_.fold(received(1)), ViewDamaged);
}

// Protobuf's maps come in any order: a row read back or folded in another order of events must not look like another
// row.
TEST(SerializedRow, DoesNotDependOnTheOrderOfAMap) {
  catalog::v1::ProductRow up, down;
  for (int i = 0; i < 100; ++i) {
    (*up.mutable_attributes())[std::to_string(i)] = "x";
    (*down.mutable_attributes())[std::to_string(99 - i)] = "x";
  }
  EXPECT_EQ(serialize_row(up), serialize_row(down));
  catalog::v1::ProductRow read_back;
  ASSERT_TRUE(read_back.ParseFromString(serialize_row(up)));
  EXPECT_EQ(serialize_row(up), serialize_row(read_back));
}

}  // namespace
}  // namespace everfold
