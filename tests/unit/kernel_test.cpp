#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernel/codec.hpp"
#include "kernel/fields.hpp"
#include "kernel/ids.hpp"
#include "kernel/money.hpp"
#include "kernel/shard.hpp"
#include "schemas/catalog/events.hpp"

namespace everfold {
namespace {

TEST(Money, DigitsOfIso4217) {
  for (const char* code :
       {"USD", "EUR", "GBP", "AED", "ZWG", "CNY", "COP", "CRC", "INR", "IRR", "JMD", "NGN", "NIO", "SYP", "SZL"})
    EXPECT_EQ(minor_digits(code), 2) << code;
  for (const char* code : {"JPY", "VND", "KRW", "ISK", "CLP", "BIF", "XPF"}) EXPECT_EQ(minor_digits(code), 0) << code;
  for (const char* code : {"KWD", "BHD", "IQD", "JOD", "LYD", "OMR", "TND"}) EXPECT_EQ(minor_digits(code), 3) << code;
  for (const char* code : {"", "US", "USDX", "usd", "XXQ", "XXX", "XTS", "XAU", "DEM", "HRK", "D A", "SD ", "   "})
    EXPECT_EQ(minor_digits(code), std::nullopt) << code;
}

TEST(Money, SumsAndProductsStayInRange) {
  EXPECT_EQ(add_amounts(2, 3), 5);
  EXPECT_EQ(add_amounts(max_amount - 1, 1), max_amount);
  EXPECT_EQ(add_amounts(max_amount, 1), std::nullopt);
  EXPECT_EQ(add_amounts(-max_amount, -1), std::nullopt);
  EXPECT_EQ(add_amounts(INT64_MAX, INT64_MAX), std::nullopt);
  EXPECT_EQ(add_amounts(INT64_MIN, INT64_MIN), std::nullopt);
  EXPECT_EQ(add_amounts(INT64_MAX, INT64_MIN), -1);
  EXPECT_EQ(multiply_amount(799, 3), 2397);
  EXPECT_EQ(multiply_amount(max_amount, 1), max_amount);
  EXPECT_EQ(multiply_amount(max_amount / 2 + 1, 2), std::nullopt);
  EXPECT_EQ(multiply_amount(-max_amount, 1), -max_amount);
  EXPECT_EQ(multiply_amount(INT64_MAX, INT64_MAX), std::nullopt);
  EXPECT_EQ(multiply_amount(INT64_MIN, INT64_MIN), std::nullopt);
  EXPECT_EQ(multiply_amount(4'294'967'296, 4'294'967'296), std::nullopt) << "2^64, which 64 bits take for 0";
}

TEST(Money, SplittingGivesTheRemainderToTheLargestFractions) {
  using Parts = std::vector<int64_t>;
  EXPECT_EQ(split_amount(100, {1, 1, 1}), (Parts{34, 33, 33}));
  EXPECT_EQ(split_amount(101, {1, 1, 1}), (Parts{34, 34, 33}));
  EXPECT_EQ(split_amount(10, {1, 2, 4}), (Parts{1, 3, 6}));  // 1.43, 2.86, 5.71
  EXPECT_EQ(split_amount(5, {0, 1, 0}), (Parts{0, 5, 0}));
  EXPECT_EQ(split_amount(0, {3, 4}), (Parts{0, 0}));
  EXPECT_EQ(split_amount(max_amount, {max_amount, max_amount}), (Parts{max_amount / 2, max_amount / 2}));
}

TEST(Money, SplitPartsAddUpAndAreFair) {
  std::mt19937_64 random(7);
  for (int run = 0; run < 5'000; ++run) {
    const auto amount = static_cast<int64_t>(random() % 100'000);
    std::vector<int64_t> weights(1 + random() % 9);
    for (int64_t& weight : weights) weight = static_cast<int64_t>(random() % 50);
    weights[random() % weights.size()] += 1;
    const int64_t total = std::accumulate(weights.begin(), weights.end(), int64_t{0});
    const auto parts = split_amount(amount, weights);
    ASSERT_EQ(std::accumulate(parts.begin(), parts.end(), int64_t{0}), amount) << "run " << run;
    for (std::size_t i = 0; i < parts.size(); ++i)
      ASSERT_LT(std::abs(parts[i] * total - amount * weights[i]), total)
          << "part " << i << " is a unit or more off, run " << run;
  }
}

TEST(Money, SplittingBySenselessWeightsStops) {
  EXPECT_DEATH((void)split_amount(1, {}), "every weight is 0");
  EXPECT_DEATH((void)split_amount(1, {0, 0}), "every weight is 0");
  EXPECT_DEATH((void)split_amount(1, {2, -1}), "a weight is negative");
  EXPECT_DEATH((void)split_amount(-1, {1}), "the amount is negative");
}

TEST(Ids, AreTheFirstHalfOfSha256OverTheParts) {
  EXPECT_EQ(derive_id({"ab", "c"}), "430fb1b4ac43316eca81fab27a1930ab");  // of "2:ab1:c"
  EXPECT_NE(derive_id({"ab", "c"}), derive_id({"a", "bc"}));
  EXPECT_NE(derive_id({"ab", "c"}), derive_id({"abc"}));
  EXPECT_NE(derive_id({"a"}), derive_id({"a", ""}));
  EXPECT_EQ(product_id("MUG-1"), "55e38b5dab0731270c3f34d221c434c9");  // of "7:product5:MUG-1"
  EXPECT_NE(order_id_of_cart("x"), payment_id_of_order("x"));
  EXPECT_EQ(event_id("c", 2), "c.2");
}

TEST(Ids, OrderNumbersAreForPeople) {
  EXPECT_EQ(order_number("order-1"), "EF-GS4P77XDRZ");
  for (int i = 0; i < 1'000; ++i) {
    const std::string number = order_number(std::to_string(i));
    EXPECT_EQ(number.size(), 13u);
    EXPECT_EQ(number.substr(0, 3), "EF-");
    EXPECT_EQ(number.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 3), number.npos) << number;
  }
}

// Kafka's own vectors: org.apache.kafka.common.utils.UtilsTest.testMurmur2.
TEST(Shard, Murmur2IsKafkas) {
  const auto hash = [](std::string_view text) { return static_cast<int32_t>(murmur2(text)); };
  EXPECT_EQ(hash("21"), -973932308);
  EXPECT_EQ(hash("foobar"), -790332482);
  EXPECT_EQ(hash("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(hash("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
  EXPECT_EQ(hash("abc"), 479470107);
}

TEST(Shard, IsPositiveAndSpreads) {
  EXPECT_EQ(shard_of("21", 8), static_cast<int>((static_cast<uint32_t>(-973932308) & 0x7fffffffu) % 8));
  std::vector<int> seen(8);
  for (int i = 0; i < 8'000; ++i) {
    const int shard = shard_of(derive_id({"aggregate", std::to_string(i)}), 8);
    ASSERT_TRUE(shard >= 0 && shard < 8);
    ++seen[static_cast<std::size_t>(shard)];
  }
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 850);
  EXPECT_EQ(shard_of("anything", 1), 0);
}

TEST(Codec, TypesAreNamedAsCloudEventsAre) {
  EXPECT_EQ(type_of<catalog::v1::ProductCreated>(), "everfold.catalog.ProductCreated.v1");
}

TEST(Codec, EventsComeBackAsTheyWere) {
  catalog::v1::ProductArchived archived;
  archived.set_sku("MUG-1");
  const Encoded encoded = encode(catalog::Event(archived));
  EXPECT_EQ(encoded.type, "everfold.catalog.ProductArchived.v1");
  EXPECT_EQ(encoded.bytes, "\x0a\x05MUG-1");
  const auto decoded = decode<catalog::Event>(encoded.type, encoded.bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(std::get<catalog::v1::ProductArchived>(*decoded).sku(), "MUG-1");
}

TEST(Codec, WhatIsNoEventIsNothing) {
  EXPECT_FALSE(decode<catalog::Event>("everfold.catalog.ProductSold.v1", "").has_value());
  EXPECT_FALSE(decode<catalog::Event>("everfold.catalog.ProductArchived.v2", "").has_value());
  EXPECT_FALSE(decode<catalog::Event>("", "").has_value());
  EXPECT_FALSE(decode<catalog::Event>("everfold.catalog.ProductArchived.v1", "\x0a\x05MUG").has_value()) << "cut off";
  EXPECT_FALSE(decode<catalog::Event>("everfold.catalog.ProductArchived.v1", "\x0a\x01\xff").has_value())
      << "not UTF-8";
}

TEST(Codec, TheSameMessageGivesTheSameBytes) {
  catalog::v1::ProductDetails one, other;
  for (int i = 0; i < 50; ++i) (*one.mutable_attributes())["k" + std::to_string(i)] = "v";
  for (int i = 50; i-- > 0;) (*other.mutable_attributes())["k" + std::to_string(i)] = "v";
  EXPECT_EQ(bytes_of(one), bytes_of(other));
  catalog::v1::ProductDetails back;
  ASSERT_TRUE(back.ParseFromString(bytes_of(one)));
  EXPECT_EQ(back.attributes_size(), 50);
}

TEST(Fields, EverythingWrongIsToldInOrderAndTheFirstInTheMessage) {
  FieldCheck fields;
  fields.number("quantity", 0, 1, 9).text("note", "fine", 4).required_text("name", "", 4).money("price", 1, "EUR", 0);
  const auto wrong = fields.rejection();
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(wrong->code, Code::validation_failed);
  EXPECT_EQ(wrong->message, "quantity must be between 1 and 9");
  const std::vector<FieldError> details{{"quantity", "must be between 1 and 9"}, {"name", "must not be empty"}};
  EXPECT_EQ(wrong->details, details);
  EXPECT_FALSE(FieldCheck().rejection().has_value());
}

TEST(Fields, LengthIsInCharactersNotBytes) {
  EXPECT_FALSE(FieldCheck().text("t", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 3).rejection().has_value());
  EXPECT_TRUE(FieldCheck().text("t", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 2).rejection().has_value());
}

TEST(Fields, ControlCharactersAreRefused) {
  const auto allowed = [](std::string_view text) { return !FieldCheck().text("t", text, 99).rejection().has_value(); };
  const auto long_allowed = [](std::string_view text) {
    return !FieldCheck().long_text("t", text, 99).rejection().has_value();
  };
  for (const std::string_view bad : {std::string_view("\0", 1), std::string_view("\x1f"), std::string_view("\x7f"),
                                     std::string_view("\xc2\x80"), std::string_view("\xc2\x9f")}) {
    EXPECT_FALSE(allowed(bad));
    EXPECT_FALSE(long_allowed(bad));
  }
  for (const char* line_break : {"\n", "\r", "\t"}) {
    EXPECT_FALSE(allowed(line_break));
    EXPECT_TRUE(long_allowed(line_break));
  }
  for (const char* good : {"", " ", "~", "\xc2\xa0", "\xc3\x80", "\xe2\x80\x93"}) EXPECT_TRUE(allowed(good)) << good;
}

}  // namespace
}  // namespace everfold
