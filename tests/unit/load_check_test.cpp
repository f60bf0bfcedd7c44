#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/load/check.hpp"
#include "tools/load/histogram.hpp"
#include "tools/load/sample.hpp"
#include "tools/load/tokens.hpp"

namespace everfold::load {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;

struct Sample {
  SalesFile file = read_sales(std::string(sample_csv)).value();
  Plan plan = make_plan(file);
  FileSums sums = sums_of(file.rows);
  std::vector<Entry> ledger = std::vector<Entry>(plan.invoices.size());

  std::size_t place(const std::string& number) const {
    for (std::size_t at = 0; at < plan.invoices.size(); ++at) {
      if (plan.invoices[at].number == number) return at;
    }
    return plan.invoices.size();
  }
  std::size_t product(const std::string& sku) const {
    for (std::size_t at = 0; at < plan.products.size(); ++at) {
      if (plan.products[at].sku == sku) return at;
    }
    return plan.products.size();
  }
  void all_done() {
    for (std::size_t at = 0; at < ledger.size(); ++at) {
      const auto kind = plan.invoices[at].kind;
      const bool sent = kind != InvoiceClass::unmatched_cancellation && kind != InvoiceClass::not_representable;
      ledger[at].outcome = sent ? Outcome::done : Outcome::not_sent;
    }
  }
};

TEST(Expect, AConfirmedOrderIsWhatItsLinesAddUpTo) {
  Sample sample;
  sample.all_done();
  const auto expected = expect(sample.plan, sample.file, sample.sums, sample.ledger);
  EXPECT_EQ(expected.orders.size(), 14u);
  EXPECT_EQ(expected.orders.at(sample.place("700001")), (OrderFigures{"CONFIRMED", "101", {10, 10300}, 10300, 0}));
  EXPECT_EQ(expected.orders.at(sample.place("700002")).customer, "");
}

TEST(Expect, CancellationsRefundWhollyOrInPart) {
  Sample sample;
  sample.all_done();
  const auto expected = expect(sample.plan, sample.file, sample.sums, sample.ledger);
  EXPECT_EQ(expected.orders.at(sample.place("700006")), (OrderFigures{"CANCELLED", "105", {1, 2240}, 2240, 2240}));
  EXPECT_EQ(expected.orders.at(sample.place("700003")),
            (OrderFigures{"PARTIALLY_REFUNDED", "102", {29, 17180}, 17180, 3095}));
}

TEST(Expect, OnlyWhatWasDoneCounts) {
  Sample sample;
  sample.all_done();
  sample.ledger[sample.place("C700010")].outcome = Outcome::failed;
  sample.ledger[sample.place("700001")].outcome = Outcome::refused;
  const auto expected = expect(sample.plan, sample.file, sample.sums, sample.ledger);
  EXPECT_EQ(expected.orders.at(sample.place("700006")).status, "CONFIRMED");
  EXPECT_FALSE(expected.orders.contains(sample.place("700001")));
}

TEST(Expect, StockIsReceivedSoldReturnedAndAdjusted) {
  Sample sample;
  sample.all_done();
  const auto expected = expect(sample.plan, sample.file, sample.sums, sample.ledger);
  const auto stock = [&](const char* sku) { return expected.stock.at(sample.product(sku)); };
  EXPECT_EQ(stock("LAMP-01"), (StockFigures{4, 3, 0, -1, 0}));
  EXPECT_EQ(stock("KITE-1"), (StockFigures{3, 3, 1, 0, 0}));   // a cancelled order returns it
  EXPECT_EQ(stock("BELL-9"), (StockFigures{10, 9, 0, 0, 0}));  // a refunded one is received again
  EXPECT_EQ(stock("BELL-9").on_hand(), 1);
}

TEST(Differences, SayWhatIsAndWhatShouldBe) {
  const OrderFigures expected{"CONFIRMED", "9", {5, 1000}, 1000, 0};
  EXPECT_TRUE(differences("1", expected, expected).empty());
  OrderFigures seen = expected;
  seen.status = "PENDING";
  seen.sum.pence = 999;
  EXPECT_THAT(differences("1", expected, seen),
              ElementsAre("invoice 1: the order's status: PENDING, expected CONFIRMED",
                          "invoice 1: its total: 9.99, expected 10.00"));
  EXPECT_THAT(differences("A", StockFigures{5, 5, 0, 0, 0}, StockFigures{5, 4, 0, 0, 1}),
              ElementsAre("stock of A: sold: 4, expected 5", "stock of A: still reserved: 1, expected 0"));
}

TEST(CheckResult, IsOkOnlyWhenEveryPennyIsAccountedFor) {
  Sample sample;
  CheckResult check;
  check.file = totals_of_file(sample.sums, sample.plan);
  EXPECT_EQ(check.file, (Totals{14, 465, 122305, 10650}));
  check.system = check.file;
  check.file_net = sample.sums.net_pence;
  for (const auto& left : sample.plan.left_out) check.left_out_net += left.amount.value_or(0);
  EXPECT_FALSE(check.ok());  // not made
  check.made = true;
  EXPECT_TRUE(check.ok());
  --check.system.revenue;
  EXPECT_FALSE(check.ok());
}

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(99), microseconds(0));
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (int us = 1; us <= 60; ++us) histogram.record(microseconds(us));
  EXPECT_EQ(histogram.percentile(50), microseconds(30));
  EXPECT_EQ(histogram.percentile(100), microseconds(60));
  EXPECT_EQ(histogram.percentile(0), microseconds(1));
}

TEST(Histogram, LargeValuesAreWithinOneThirtySecond) {
  for (const std::int64_t us : {64LL, 65LL, 127LL, 128LL, 1'000LL, 999'999LL, 120'000'000LL, 1LL << 62}) {
    Histogram histogram;
    histogram.record(microseconds(us));
    histogram.record(microseconds(us));
    histogram.record(microseconds((1LL << 62) + 1));
    const auto found = histogram.percentile(50).count();
    EXPECT_GE(found, us);
    EXPECT_LE(found - us, us / 32) << us;
  }
}

TEST(Histogram, KeepsTheMaximumExactlyAndTakesNegativesAsZero) {
  Histogram histogram;
  histogram.record(microseconds(-5));
  histogram.record(microseconds(123'457));
  EXPECT_EQ(histogram.max(), microseconds(123'457));
  EXPECT_EQ(histogram.percentile(99), microseconds(123'457));
  EXPECT_EQ(histogram.percentile(50), microseconds(0));
}

TEST(SignToken, IsAJsonWebTokenOfTheContract) {
  // Made with another implementation (Python's hmac and base64) from the same claims.
  EXPECT_EQ(sign_token("secret", "admin", "s1", std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJlY29tbWVyY2Utc2VydmljZXMiLCJlbWFpbCI6InMxQGV4YW1"
            "wbGUuY29tIiwiZXhwIjoxNzAwMDA3MjAwLCJpYXQiOjE3MDAwMDAwMDAsImlzcyI6ImVjb21tZXJjZS1hdXRoIiwibmFtZSI"
            "6InMxIiwicGVybWlzc2lvbnMiOltdLCJyb2xlcyI6WyJhZG1pbiJdLCJzdWIiOiJzMSJ9.MXTPClLrNWSUmAR_dgzzpws1P7"
            "40RQqIrD8kwFZWFg4");
}

TEST(AskingCommand, TakesTheLastLine) {
  const auto make = asking_command("printf noise\\n%s-%s-%s-%s\\n");
  const auto token = make("user", "a b; c");
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token.value(), "--role-user---sub-a b; c");
}

TEST(AskingCommand, RefusesAFailingCommand) {
  EXPECT_FALSE(asking_command("false")("user", "9"));
  EXPECT_FALSE(asking_command("/no/such/program")("user", "9"));
  EXPECT_FALSE(asking_command("true")("user", "9"));
}

}  // namespace
}  // namespace everfold::load
