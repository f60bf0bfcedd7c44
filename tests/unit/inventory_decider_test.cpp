#include <numeric>

#include "command-side/inventory/decider.hpp"
#include "tests/given.hpp"

namespace everfold::inventory {
namespace {

using namespace everfold::testing;

std::string levels(int64_t on_hand, int64_t reserved) {
  return " on_hand: " + std::to_string(on_hand) + " reserved: " + std::to_string(reserved);
}
std::string about(const std::string& order, int64_t quantity) {
  return "order_id: '" + order + "' quantity: " + std::to_string(quantity);
}
Event received(int64_t quantity, int64_t on_hand, int64_t reserved = 0) {
  return make<v1::StockReceived>("quantity: " + std::to_string(quantity) + levels(on_hand, reserved));
}
Event reserved(const std::string& order, int64_t quantity, int64_t on_hand, int64_t reserved_now) {
  return make<v1::StockReserved>(about(order, quantity) + levels(on_hand, reserved_now));
}
Event rejected(const std::string& order, int64_t quantity, int64_t on_hand, int64_t reserved_now) {
  return make<v1::StockReservationRejected>(about(order, quantity) + levels(on_hand, reserved_now));
}
Event released(const std::string& order, int64_t quantity, int64_t on_hand, int64_t reserved_now) {
  return make<v1::StockReleased>(about(order, quantity) + levels(on_hand, reserved_now));
}
Event committed(const std::string& order, int64_t quantity, int64_t on_hand, int64_t reserved_now) {
  return make<v1::StockCommitted>(about(order, quantity) + levels(on_hand, reserved_now));
}
Event adjusted(int64_t delta, int64_t on_hand, int64_t reserved_now) {
  return make<v1::StockAdjusted>("delta: " + std::to_string(delta) + " reason: 'count'" +
                                 levels(on_hand, reserved_now));
}
Event returned(const std::string& order, int64_t quantity, int64_t on_hand, int64_t reserved_now) {
  return make<v1::StockReturned>(about(order, quantity) + levels(on_hand, reserved_now));
}

v1::ReceiveStock receive(int64_t quantity) { return make<v1::ReceiveStock>("quantity: " + std::to_string(quantity)); }
v1::AdjustStock adjust(int64_t delta) {
  return make<v1::AdjustStock>("delta: " + std::to_string(delta) + " reason: 'count'");
}
v1::SetLowStockThreshold threshold(int64_t low) {
  return make<v1::SetLowStockThreshold>("low_stock: " + std::to_string(low));
}
v1::ReserveStock reserve(const std::string& order, int64_t quantity) {
  return make<v1::ReserveStock>(about(order, quantity));
}
v1::ReleaseStock release(const std::string& order) { return make<v1::ReleaseStock>("order_id: '" + order + "'"); }
v1::CommitStock commit(const std::string& order) { return make<v1::CommitStock>("order_id: '" + order + "'"); }
v1::ReturnStock take_back(const std::string& order, int64_t quantity) {
  return make<v1::ReturnStock>(about(order, quantity));
}

TEST(Inventory, EveryCommandInEveryState) {
  const Event ten = received(10, 10);
  const Event three_for_o1 = reserved("o1", 3, 10, 3);
  expect_table<Inventory>({{"unknown", {}},
                           {"refused", {rejected("o9", 1, 0, 0)}},
                           {"ten", {ten}},
                           {"o1-open", {ten, three_for_o1}},
                           {"o1-released", {ten, three_for_o1, released("o1", 3, 10, 0)}},
                           {"o1-sold", {ten, three_for_o1, committed("o1", 3, 7, 0)}}},
                          {{"receive", receive(1)},
                           {"find-one", adjust(1)},
                           {"lose-one", adjust(-1)},
                           {"lose-eight", adjust(-8)},
                           {"threshold", threshold(5)},
                           {"no-threshold", threshold(0)},
                           {"reserve-o1", reserve("o1", 3)},
                           {"reserve-o2", reserve("o2", 8)},
                           {"release-o1", release("o1")},
                           {"release-o2", release("o2")},
                           {"commit-o1", commit("o1")},
                           {"commit-o2", commit("o2")},
                           {"return-o1", take_back("o1", 3)}},
                          R"(
                 unknown                   refused                   ten            o1-open                   o1-released    o1-sold
    receive      StockReceived             StockReceived             StockReceived  StockReceived             StockReceived  StockReceived
    find-one     not_found                 StockAdjusted             StockAdjusted  StockAdjusted             StockAdjusted  StockAdjusted
    lose-one     not_found                 insufficient_stock        StockAdjusted  StockAdjusted             StockAdjusted  StockAdjusted
    lose-eight   not_found                 insufficient_stock        StockAdjusted  insufficient_stock        StockAdjusted  insufficient_stock
    threshold    not_found   LowStockThresholdSet LowStockThresholdSet LowStockThresholdSet LowStockThresholdSet LowStockThresholdSet
    no-threshold not_found                 -                         -              -                         -              -
    reserve-o1   StockReservationRejected  StockReservationRejected  StockReserved  -                         StockReserved  StockReserved
    reserve-o2   StockReservationRejected  StockReservationRejected  StockReserved  StockReservationRejected  StockReserved  StockReservationRejected
    release-o1   not_found                 -                         -              StockReleased             -              -
    release-o2   not_found                 -                         -              -                         -              -
    commit-o1    not_found                 -                         -              StockCommitted            -              -
    commit-o2    not_found                 -                         -              -                         -              -
    return-o1    not_found                 StockReturned             StockReturned  StockReturned             StockReturned  StockReturned
  )");
}

TEST(Inventory, EventsCarryTheLevelsThatTheyLeave) {
  const Event ten = received(10, 10);
  const Event three = reserved("o1", 3, 10, 3);
  given<Inventory>({}).when(receive(10)).then({ten});
  given<Inventory>({ten}).when(receive(5)).then({received(5, 15)});
  given<Inventory>({ten}).when(adjust(-4)).then({adjusted(-4, 6, 0)});
  given<Inventory>({ten}).when(reserve("o1", 3)).then({three});
  given<Inventory>({ten, three}).when(reserve("o2", 7)).then({reserved("o2", 7, 10, 10)});
  given<Inventory>({ten, three}).when(reserve("o2", 8)).then({rejected("o2", 8, 10, 3)});
  given<Inventory>({ten, three}).when(release("o1")).then({released("o1", 3, 10, 0)});
  given<Inventory>({ten, three}).when(commit("o1")).then({committed("o1", 3, 7, 0)});
  given<Inventory>({ten, three, committed("o1", 3, 7, 0)}).when(take_back("o1", 3)).then({returned("o1", 3, 10, 0)});
  given<Inventory>({ten, three})
      .when(threshold(5))
      .then({make<v1::LowStockThresholdSet>("threshold: 5" + levels(10, 3))});
  given<Inventory>({}).when(reserve("o1", 1)).then({rejected("o1", 1, 0, 0)});
}

TEST(Inventory, AReceiptKeepsItsReference) {
  given<Inventory>({})
      .when(make<v1::ReceiveStock>("quantity: 1 reference: 'delivery 7'"))
      .then({make<v1::StockReceived>("quantity: 1 reference: 'delivery 7' on_hand: 1")});
  given<Inventory>({}).when(make<v1::ReceiveStock>("quantity: 1 reference: ''")).then({received(1, 1)});
}

TEST(Inventory, TheSameThresholdAgainIsNothing) {
  given<Inventory>({received(10, 10), make<v1::LowStockThresholdSet>("threshold: 5 on_hand: 10")})
      .when(threshold(5))
      .then_nothing();
}

TEST(Inventory, AnOrderHasOneOpenReservationWhateverItAsksFor) {
  given<Inventory>({received(10, 10), reserved("o1", 3, 10, 3)}).when(reserve("o1", 9)).then_nothing();
}

TEST(Inventory, Bounds) {
  const std::vector<Event> ten{received(10, 10)};
  given<Inventory>({}).when(receive(1'000'000'000)).then({received(1'000'000'000, 1'000'000'000)});
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, int64_t{1'000'000'001}, INT64_MAX, INT64_MIN})
    given<Inventory>({}).when(receive(bad)).then_rejected(Code::validation_failed, "quantity");
  given<Inventory>({})
      .when(make<v1::ReceiveStock>("quantity: 1 reference: '" + std::string(201, 'x') + "'"))
      .then_rejected(Code::validation_failed, "reference");
  EXPECT_EQ(given<Inventory>({})
                .when(make<v1::ReceiveStock>("quantity: 1 reference: '" + std::string(200, 'x') + "'"))
                .events()
                .size(),
            1u);
  for (const int64_t bad : {int64_t{0}, int64_t{1'000'000'000'001}, int64_t{-1'000'000'000'001}, INT64_MAX, INT64_MIN})
    given<Inventory>(ten).when(adjust(bad)).then_rejected(Code::validation_failed, "delta");
  for (const std::string& bad : {std::string(), std::string("  "), std::string(201, 'x'), std::string("a\\nb")})
    given<Inventory>(ten)
        .when(make<v1::AdjustStock>("delta: 1 reason: '" + bad + "'"))
        .then_rejected(Code::validation_failed, "reason");
  EXPECT_EQ(given<Inventory>(ten)
                .when(make<v1::AdjustStock>("delta: 1 reason: '" + std::string(200, 'x') + "'"))
                .events()
                .size(),
            1u);
  for (const int64_t bad : {int64_t{-1}, int64_t{1'000'000'000'001}})
    given<Inventory>(ten).when(threshold(bad)).then_rejected(Code::validation_failed, "lowStock");
  for (const int64_t bad : {int64_t{0}, int64_t{-3}}) {
    given<Inventory>(ten).when(reserve("o1", bad)).then_rejected(Code::validation_failed, "quantity");
    given<Inventory>(ten).when(take_back("o1", bad)).then_rejected(Code::validation_failed, "quantity");
  }
  given<Inventory>(ten).when(reserve("", 1)).then_rejected(Code::validation_failed, "orderId");
  given<Inventory>(ten).when(take_back("", 1)).then_rejected(Code::validation_failed, "orderId");
}

TEST(Inventory, TheShelfHasAnEnd) {
  const int64_t most = 1'000'000'000'000;
  const std::vector<Event> nearly{received(1, most - 5)};
  given<Inventory>(nearly).when(receive(5)).then({received(5, most)});
  given<Inventory>(nearly).when(receive(6)).then_rejected(Code::amount_out_of_range, "quantity");
  given<Inventory>(nearly).when(adjust(5)).then({adjusted(5, most, 0)});
  given<Inventory>(nearly).when(adjust(6)).then_rejected(Code::amount_out_of_range, "delta");
  // What was sold comes back all the same.
  given<Inventory>(nearly).when(take_back("o1", 6)).then({returned("o1", 6, most + 1, 0)});
}

TEST(Inventory, AdjustingStopsAtWhatIsReserved) {
  const std::vector<Event> history{received(10, 10), reserved("o1", 3, 10, 3)};
  given<Inventory>(history).when(adjust(-7)).then({adjusted(-7, 3, 3)});
  given<Inventory>(history).when(adjust(-8)).then_rejected(Code::insufficient_stock, "delta");
  given<Inventory>(history).when(adjust(-11)).then_rejected(Code::insufficient_stock, "delta");
}

TEST(Inventory, ASnapshotIsTheState) {
  const auto state = fold<Inventory>({received(10, 10), reserved("o1", 3, 10, 3), reserved("o2", 2, 10, 5),
                                      make<v1::LowStockThresholdSet>("threshold: 4 on_hand: 10 reserved: 5")});
  const auto loaded = Inventory::load(Inventory::save(state));
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(*loaded == state);
}

TEST(Inventory, ASnapshotThatMakesNoSenseIsNone) {
  EXPECT_FALSE(Inventory::load("\xff\xff\xff").has_value());
  EXPECT_FALSE(Inventory::load("\x10\x05").has_value()) << "reserved 5, no reservation";
  EXPECT_FALSE(Inventory::load("\x08\x02\x10\x05\x22\x06\x0a\x02o1\x10\x05").has_value()) << "on hand 2, reserved 5";
  EXPECT_TRUE(Inventory::load(std::string_view("\x08\x05\x10\x05\x22\x06\x0a\x02o1\x10\x05")).has_value());
}

TEST(Inventory, Laws) {
  const auto any_command = [](std::mt19937_64& random) -> Inventory::Command {
    const std::string order = "o" + std::to_string(random() % 6);
    const auto quantity = static_cast<int64_t>(random() % 12);
    switch (random() % 10) {
      case 0:
        return receive(quantity);
      case 1:
        return adjust(quantity - 6);
      case 2:
        return threshold(quantity);
      case 3:
        return release(order);
      case 4:
        return commit(order);
      case 5:
        return take_back(order, quantity % 3);
      default:
        return reserve(order, quantity);
    }
  };
  const auto invariant = [](const Inventory::State& state) -> std::string {
    const int64_t open = std::accumulate(state.open_reservations.begin(), state.open_reservations.end(), int64_t{0},
                                         [](int64_t sum, const auto& each) { return sum + each.second; });
    if (state.reserved < 0 || state.on_hand < state.reserved) return "0 ≤ reserved ≤ on_hand does not hold\n";
    if (open != state.reserved) return "reserved is not the sum of the open reservations\n";
    if (!state.known) return "";
    const auto loaded = Inventory::load(Inventory::save(state));
    return loaded && *loaded == state ? "" : "the snapshot is not the state\n";
  };
  const auto adds_up = [](const Inventory::Command& command) {
    return std::holds_alternative<v1::ReceiveStock>(command) || std::holds_alternative<v1::AdjustStock>(command) ||
           std::holds_alternative<v1::ReturnStock>(command);
  };
  auto seen = expect_laws<Inventory>({any_command, invariant, adds_up, std::equal_to<>{}});
  for (const char* event : {"StockReceived", "StockAdjusted", "LowStockThresholdSet", "StockReserved",
                            "StockReservationRejected", "StockReleased", "StockCommitted", "StockReturned"})
    EXPECT_GT(seen[event], 20) << event;
}

}  // namespace
}  // namespace everfold::inventory
