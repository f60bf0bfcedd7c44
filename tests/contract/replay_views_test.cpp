// Views that everfold-replay folds into folders, on a real disk, and beside the projector's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/views/folded_view.hpp"
#include "schemas/inventory/v1/events.pb.h"
#include "schemas/inventory/v1/views.pb.h"
#include "tests/contract/temporary_folder.hpp"
#include "tests/messages.hpp"
#include "tools/replay/folds/chosen_views.hpp"
#include "tools/replay/folds/live_comparison.hpp"
#include "tools/replay/folds/scratch_views.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

using inventory::v1::StockRow;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::make;

const LogId log0{"inventory", 0};

Commit received(const std::string& sku, int64_t version, int64_t offset, int64_t on_hand) {
  StoredEvent event;
  event.meta.context = "inventory";
  event.meta.aggregate_id = sku;
  event.meta.version = version;
  event.meta.type = "everfold.inventory.StockReceived.v1";
  event.bytes =
      make<inventory::v1::StockReceived>("quantity: 1 on_hand: " + std::to_string(on_hand)).SerializeAsString();
  event.offset = offset;
  return {{1, offset, 1, 1}, {event}};
}

class ReplayViews : public ::testing::Test {
 protected:
  std::unique_ptr<ScratchView> begin(const std::string& directory, Asked asked = {}, bool anew = false) {
    return std::make_unique<ScratchView>(view_named("stock"), directory, memory_, std::move(asked), anew,
                                         [](const LogId&, const StoredEvent&) { return true; });
  }
  void fold(const std::string& directory) {
    const auto scratch = begin(directory);
    for (int64_t i = 1; i <= 3; ++i) take(*scratch, "S" + std::to_string(i), i, 10 * i);
    scratch->finish();
  }
  static void take(ScratchView& scratch, const std::string& sku, int64_t offset, int64_t on_hand) {
    scratch.take(log0, received(sku, 1, offset, on_hand), {offset + 1, 1, offset + 1, 7});
  }
  static std::string refusal(const std::function<void()>& act) {
    try {
      act();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
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
  EXPECT_EQ(reader.position(log0), (LogPosition{4, 1, 4, 7}));
}

TEST_F(ReplayViews, what_a_run_that_died_left_is_no_view_and_is_gone_on_with) {
  {
    const auto interrupted = begin(run_);
    take(*interrupted, "S1", 1, 99);
    interrupted->keep();
    take(*interrupted, "S9", 2, 9);  // never written
  }
  EXPECT_EQ(RocksViewShelf(run_, "stock", memory_).live(), 0);
  fold(run_);
  const auto store = RocksViewShelf(run_, "stock", memory_).open(1).store;
  StockRow row;
  ASSERT_TRUE(row.ParseFromString(store->row("S1").value()));
  EXPECT_EQ(row.on_hand(), 99) << "what is there is not folded again";
  EXPECT_TRUE(store->row("S2"));
  EXPECT_FALSE(store->row("S9"));
}

TEST_F(ReplayViews, only_who_asks_the_same_goes_on) {
  const Asked until{{"--until", "then"}};
  const auto interrupt = [&](const Asked& asked) {
    const auto interrupted = begin(run_, asked);
    take(*interrupted, "S9", 1, 9);
    interrupted->keep();
  };
  interrupt(until);
  EXPECT_EQ(begin(run_, until)->rows().position(log0).offset, 2);
  EXPECT_THAT(refusal([&] { begin(run_); }),
              AllOf(HasSubstr("\"--until\" was then and is not given now"), HasSubstr("--anew")));
  EXPECT_EQ(begin(run_, until)->rows().position(log0).offset, 2) << "a refusal harms nothing";
  EXPECT_EQ(begin(run_, {}, true)->rows().position(log0).offset, 0);
}

TEST_F(ReplayViews, a_finished_one_is_brought_up_to_date_and_never_folded_over) {
  fold(run_);
  const auto again = begin(run_);
  take(*again, "S3", 3, 99);  // there already
  take(*again, "S4", 4, 40);
  again->finish();
  StockRow row;
  ASSERT_TRUE(row.ParseFromString(again->rows().row("S3").value()));
  EXPECT_EQ(row.on_hand(), 30);
  EXPECT_TRUE(again->rows().row("S4"));
  EXPECT_THAT(refusal([&] {
                begin(run_, {{"--where", "some"}});
              }),
              AllOf(HasSubstr("\"--where\" was not given and is some now"), HasSubstr("--in " + run_)));
  EXPECT_THAT(refusal([&] { begin(run_, {}, true); }), HasSubstr("holds a finished view stock"));
  EXPECT_EQ(RocksViewShelf(run_, "stock", memory_).live(), 1);
}

// Killed between its note and its store, or with a store that is no good.
TEST_F(ReplayViews, what_cannot_be_opened_is_folded_from_the_beginning) {
  begin(run_);
  std::filesystem::remove(run_ + "/stock/1/CURRENT");
  fold(run_);
  EXPECT_TRUE(RocksViewShelf(run_, "stock", memory_).open(1).store->row("S3"));
}

TEST_F(ReplayViews, wrong_rows_in_the_live_view_are_found_with_both_contents) {
  fold(live_);
  fold(run_);
  plant(live_, "S2", make<StockRow>("sku: 'S2' on_hand: 21 available: 20 version: 1"));
  plant(live_, "S3", std::nullopt);
  plant(live_, "S4", make<StockRow>("sku: 'S4'"));
  const auto view = view_named("stock");
  const LiveComparison comparison(live_, *view, memory_);
  EXPECT_EQ(comparison.position(log0), 4);
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
