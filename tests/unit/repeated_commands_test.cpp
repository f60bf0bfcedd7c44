// Why translators must not read a copied history again (docs/decisions/0017-copies.md): a command that left no events
// is known to nobody, and may do something on a later state.
#include <gtest/gtest.h>

#include "command-side/inventory/decider.hpp"
#include "tests/given.hpp"

namespace everfold::inventory {
namespace {

using testing::fold;
using testing::make;

TEST(RepeatedCommands, AReservationThatDidNothingWouldReserveSoldStockAgain) {
  const auto reserve = make<v1::ReserveStock>("order_id: 'o' quantity: 2");
  const std::vector<Event> reserved{make<v1::StockReceived>("quantity: 5 on_hand: 5"),
                                    make<v1::StockReserved>("order_id: 'o' quantity: 2 on_hand: 5 reserved: 2")};
  EXPECT_TRUE(Inventory::decide(fold<Inventory>(reserved), reserve).value().empty());  // asked again by a poke: nothing
  std::vector<Event> sold = reserved;
  sold.push_back(make<v1::StockCommitted>("order_id: 'o' quantity: 2 on_hand: 3"));
  EXPECT_FALSE(Inventory::decide(fold<Inventory>(sold), reserve).value().empty());
}

}  // namespace
}  // namespace everfold::inventory
