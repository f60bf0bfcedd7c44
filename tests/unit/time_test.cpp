#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/log/stored_event.hpp"

namespace everfold {
namespace {

TEST(Time, IsWrittenInUtcWithMilliseconds) {
  const std::vector<std::pair<int64_t, std::string>> moments{{0, "1970-01-01T00:00:00.000Z"},
                                                             {-1, "1969-12-31T23:59:59.999Z"},
                                                             {1'769'860'800'000, "2026-01-31T12:00:00.000Z"},
                                                             {951'868'799'999, "2000-02-29T23:59:59.999Z"},
                                                             {4'107'542'400'000, "2100-03-01T00:00:00.000Z"},
                                                             {253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
                                                             {-62'135'596'800'000, "0001-01-01T00:00:00.000Z"}};
  for (const auto& [ms, text] : moments) {
    EXPECT_EQ(format_time(ms), text);
    EXPECT_EQ(parse_time(text), ms) << text;
  }
}

TEST(Time, ComesBackAsItWas) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto ms = static_cast<int64_t>(random() % 315'537'897'600'000) - 62'135'596'800'000;
    ASSERT_EQ(parse_time(format_time(ms)), ms);
  }
}

TEST(Time, Rfc3339HasManyForms) {
  const int64_t noon = 1'769'860'800'000;
  for (const char* text : {"2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31T12:00:00.0Z",
                           "2026-01-31T12:00:00.000000000Z", "2026-01-31T14:30:00+02:30", "2026-01-31T07:00:00-05:00",
                           "2026-02-01T11:59:00+23:59", "2026-01-31T12:00:00-00:00", "2026-01-31T11:59:60Z"})
    EXPECT_EQ(parse_time(text), noon) << text;
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.5Z"), noon + 500);
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.123999Z"), noon + 123) << "cut, not rounded: never in the future";
}

TEST(Time, BeyondFourDigitsOfAYearThereIsNone) {
  EXPECT_EQ(format_time(parse_time("0000-01-01T00:00:00Z").value()), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(parse_time("0000-01-01T00:00:00+00:01"), std::nullopt);
  EXPECT_EQ(parse_time("9999-12-31T23:59:00-00:01"), std::nullopt);
  EXPECT_EQ(parse_time("9999-12-31T23:59:60Z"), std::nullopt);
}

TEST(Time, AnythingElseIsNone) {
  for (const char* bad : {"",
                          "2026",
                          "2026-01-31",
                          "2026-01-31T12:00:00",
                          "2026-01-31 12:00:00Z",
                          "2026-1-31T12:00:00Z",
                          "2026-01-31T12:00Z",
                          "2026-01-31T12:00:00.Z",
                          "2026-01-31T12:00:00.0000000000Z",
                          "2026-01-31T12:00:00Zx",
                          "2026-00-31T12:00:00Z",
                          "2026-13-31T12:00:00Z",
                          "2026-01-00T12:00:00Z",
                          "2026-01-32T12:00:00Z",
                          "2026-04-31T12:00:00Z",
                          "2026-02-29T12:00:00Z",
                          "2100-02-29T12:00:00Z",
                          "2026-01-31T24:00:00Z",
                          "2026-01-31T12:60:00Z",
                          "2026-01-31T12:00:61Z",
                          "2026-01-31T12:00:00+24:00",
                          "2026-01-31T12:00:00+01:60",
                          "2026-01-31T12:00:00+0100",
                          "2026-01-31T12:00:00+01",
                          "-026-01-31T12:00:00Z",
                          "2026-01-31T12:00:00,5Z",
                          "20260131T120000Z",
                          "+2026-01-31T12:00:00Z"})
    EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace everfold
