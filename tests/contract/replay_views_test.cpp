// Views that everfold-replay folds into folders, on a real disk, and beside the projector's.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/folded_view.hpp"
#include "schemas/inventory/v1/events.pb.h"
#include "schemas/inventory/v1/views.pb.h"
#include "tests/contract/temporary_folder.hpp"
#include "tests/messages.hpp"
#include "tools/replay/chosen_views.hpp"
#include "tools/replay/live_comparison.hpp"
#include "tools/replay/scratch_views.hpp"

namespace everfold::replay {
namespace {

using inventory::v1::StockRow;
using nlohmann::json;
using testing::make;

const LogId log0{"inventory", 0};

Commit received(const std::string& sku, int64_t version, int64_t on_hand) {
  StoredEvent event;
  event.meta.context = "inventory";
  event.meta.aggregate_id = sku;
  event.meta.version = version;
  event.meta.type = "everfold.inventory.StockReceived.v1";
  event.bytes =
      make<inventory::v1::StockReceived>("quantity: 1 on_hand: " + std::to_string(on_hand)).SerializeAsString();
  event.offset = version;
  return {{1, version, 1, 1}, {event}};
}

class ReplayViews : public ::testing::Test {
 protected:
  std::unique_ptr<ScratchView> begin(const std::string& directory) {
    return std::make_unique<ScratchView>(view_named("stock"), directory, memory_,
                                         [](const LogId&, const StoredEvent&) { return true; });
  }
  void fold(const std::string& directory) {
    const auto scratch = begin(directory);
    for (int64_t i = 1; i <= 3; ++i) scratch->take(log0, received("S" + std::to_string(i), 1, 10 * i));
    scratch->finish();
  }
  // What nobody should do.
  void plant(const std::string& directory, const std::string& key, std::optional<StockRow> row) {
    const auto opened = RocksViewShelf(directory, "stock", memory_).open(1);
    ViewBatch batch;
    batch.rows.emplace_back(key, row ? std::optional(serialize_row(*row)) : std::nullopt);
    opened.store->write(batch);
  }

  const testing::TemporaryFolder folder_{testing::in_memory()};
  const std::string live_ = folder_.path() + "/live", run_ = folder_.path() + "/run";
  const RocksMemory memory_;
};

TEST_F(ReplayViews, a_finished_one_is_read_as_the_projectors_are) {
  fold(run_);
  const testing::TemporaryFolder scratch(testing::in_memory());
  const RocksViewReader reader(run_, "stock", scratch.path(), memory_);
  EXPECT_EQ(reader.generation(), 1);
  StockRow row;
  ASSERT_TRUE(row.ParseFromString(reader.row("S2").value()));
  EXPECT_EQ(row.on_hand(), 20);
  EXPECT_EQ(reader.position(log0).offset, 2);
  EXPECT_THROW(begin(run_), std::runtime_error);  // it would be folded over
}

TEST_F(ReplayViews, what_a_run_that_died_left_is_no_view_and_makes_room) {
  begin(run_)->take(log0, received("S9", 1, 9));
  EXPECT_EQ(RocksViewShelf(run_, "stock", memory_).live(), 0);
  fold(run_);
  EXPECT_FALSE(RocksViewShelf(run_, "stock", memory_).open(1).store->row("S9"));
  const auto discarded = begin(folder_.path() + "/other");
  discarded->discard();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/other/stock/1"));
}

TEST_F(ReplayViews, wrong_rows_in_the_live_view_are_found_with_both_contents) {
  fold(live_);
  fold(run_);
  plant(live_, "S2", make<StockRow>("sku: 'S2' on_hand: 21 available: 20 version: 1"));
  plant(live_, "S3", std::nullopt);
  plant(live_, "S4", make<StockRow>("sku: 'S4'"));
  const auto view = view_named("stock");
  const LiveComparison comparison(live_, *view, memory_);
  EXPECT_EQ(comparison.position(log0), 2);
  std::vector<json> lines;
  const auto run = RocksViewShelf(run_, "stock", memory_).open(1);
  const auto found = comparison.compare(*run.store, [&](const std::string& line) {
    lines.push_back(json::parse(line));
    return true;
  });
  EXPECT_EQ(found.compared, 4);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["key"], "S2");
  EXPECT_EQ(lines[0]["difference"], "changed");
  EXPECT_EQ(lines[0]["live"]["onHand"], 21);
  EXPECT_EQ(lines[0]["run"]["onHand"], 20);
  EXPECT_EQ(lines[0]["changes"], json::parse(R"([{"path":".onHand","live":21,"run":20}])"));
  EXPECT_EQ(lines[1]["difference"], "added");
  EXPECT_EQ(lines[1]["run"]["sku"], "S3");
  EXPECT_FALSE(lines[1].contains("live"));
  EXPECT_EQ(lines[2]["difference"], "lost");
  EXPECT_EQ(lines[2]["live"]["sku"], "S4");
}

TEST_F(ReplayViews, without_a_live_view_there_is_nothing_to_compare_with) {
  const auto view = view_named("stock");
  EXPECT_THROW(LiveComparison(live_, *view, memory_), std::runtime_error);
}

TEST(TemporaryPath, goes_away_and_begins_empty) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/x";
  std::ofstream(path) << "left by a run that died";
  {
    const TemporaryPath temporary(path);
    EXPECT_FALSE(std::filesystem::exists(path));
    std::ofstream(path) << "this run's";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace everfold::replay
