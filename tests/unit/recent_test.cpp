#include "kernel/recent.hpp"

#include <gtest/gtest.h>

#include <string>

namespace everfold {
namespace {

TEST(Recent, IsBounded) {
  Recent<int> recent(10);
  for (int i = 0; i < 1000; ++i) {
    recent.put("k" + std::to_string(i), i);
    EXPECT_LE(recent.size(), 20u);
  }
  EXPECT_EQ(recent.find("k999"), 999);
  EXPECT_EQ(recent.find("k0"), std::nullopt);
}

TEST(Recent, KeepsWhatIsInUse) {
  Recent<int> recent(10);
  recent.put("busy", 7);
  for (int i = 0; i < 1000; ++i) {
    recent.put("k" + std::to_string(i), i);
    ASSERT_EQ(recent.find("busy"), 7) << i;
  }
}

TEST(Recent, TheNewestValueStands) {
  Recent<int> recent(2);
  recent.put("a", 1);
  recent.put("b", 1);
  recent.put("c", 1);  // a and b are of the older generation now
  recent.put("a", 2);
  EXPECT_EQ(recent.find("a"), 2);
  recent.put("a", 3);
  EXPECT_EQ(recent.find("a"), 3);
}

}  // namespace
}  // namespace everfold
