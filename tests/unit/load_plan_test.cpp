#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tools/load/plan.hpp"
#include "tools/load/sample.hpp"
#include "tools/load/shop.hpp"
#include "tools/load/sums.hpp"

namespace everfold::load {
namespace {

using ::testing::HasSubstr;

// Each line: invoice, code, description, quantity, day of December at noon, price, customer.
SalesFile file_of(const std::string& lines) {
  std::string text = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    std::vector<std::string> f;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) f.push_back(field);
    f.resize(7);
    text +=
        f[0] + "," + f[1] + "," + f[2] + "," + f[3] + ",2010-12-" + f[4] + "T12:00:00," + f[5] + "," + f[6] + ",UK\n";
  }
  return read_sales(text).value();
}

Plan plan_of(const std::string& lines) { return make_plan(file_of(lines)); }

const Product& product(const Plan& plan, const std::string& sku) {
  for (const auto& one : plan.products) {
    if (one.sku == sku) return one;
  }
  ADD_FAILURE() << "no product " << sku;
  return plan.products.front();
}

const Invoice& invoice(const Plan& plan, const std::string& number) {
  for (const auto& one : plan.invoices) {
    if (one.number == number) return one;
  }
  ADD_FAILURE() << "no invoice " << number;
  return plan.invoices.front();
}

TEST(Plan, AnInvoiceIsFoundAgainByItsNumberAndDate) {
  const Plan plan = plan_of("C 7,A,Apple,1,03,1.00,17\n");
  EXPECT_EQ(document_of(plan.invoices.front()), "C%207@2010-12-03T12:00");
}

TEST(Plan, KeepsTheSameSkuTwiceAsTwoSales) {
  const auto plan = plan_of("1,A,LAMP,2,01,1.50,9\n1,A,LAMP,3,01,1.50,9\n");
  ASSERT_EQ(plan.products.size(), 1u);
  EXPECT_EQ(invoice(plan, "1").sales.size(), 2u);
  EXPECT_EQ(product(plan, "A").to_receive, 5);
  EXPECT_EQ(product(plan, "A").price, 150);
}

TEST(Plan, GivesOtherPricesASkuOfTheirOwn) {
  const auto plan = plan_of("1,A,LAMP,2,01,1.50,9\n2,A,LAMP,3,01,2.5,9\n3,A,LAMP,1,01,2.50,9\n4,A,,7,01,0,\n");
  ASSERT_EQ(plan.products.size(), 3u);
  EXPECT_EQ(product(plan, "A").price, 250);
  EXPECT_EQ(product(plan, "A@1.50").price, 150);
  EXPECT_EQ(product(plan, "A@0.00").price, 0);
  EXPECT_EQ(product(plan, "A@1.50").name, "LAMP");
  EXPECT_EQ(product(plan, "A@0.00").to_receive, 7);
}

TEST(Plan, TheFirstSeenWinsAmongEquallyFrequent) {
  const auto plan = plan_of("1,A,TALL LAMP,1,01,3,9\n2,A,LAMP,1,01,2,9\n");
  EXPECT_EQ(product(plan, "A").price, 300);
  EXPECT_EQ(product(plan, "A").name, "TALL LAMP");
}

TEST(Plan, StockCodesKeepTheirCase) {
  const auto plan = plan_of("1,85123A,LAMP,1,01,3,9\n1,85123a,OTHER,1,01,3,9\n");
  EXPECT_EQ(product(plan, "85123A").name, "LAMP");
  EXPECT_EQ(product(plan, "85123a").name, "OTHER");
}

TEST(Plan, AProductWithoutAnyDescriptionIsNamedByItsCode) {
  EXPECT_EQ(product(plan_of("1,A,,1,01,3,9\n"), "A").name, "A");
}

TEST(Plan, SortsInvoicesByDateAndKeepsTheFilesOrder) {
  const auto plan = plan_of("1,A,L,1,05,3,9\n2,A,L,1,01,3,9\n3,A,L,1,01,3,9\n");
  EXPECT_EQ(plan.invoices[0].number, "2");
  EXPECT_EQ(plan.invoices[1].number, "3");
  EXPECT_EQ(plan.invoices[2].number, "1");
}

TEST(Plan, NegativeQuantitiesWithoutAPriceAreAdjustmentsOfTheUsualProduct) {
  const auto plan = plan_of("1,A,LAMP,5,01,3,9\n2,A,damages,-4,02,0,\n3,B,?,-2,02,0,\n4,A,,-1,02,0,\n");
  EXPECT_EQ(invoice(plan, "2").kind, InvoiceClass::adjustment);
  EXPECT_EQ(invoice(plan, "2").adjustments.front().reason, "damages");
  EXPECT_EQ(invoice(plan, "4").adjustments.front().reason, "adjustment");
  EXPECT_EQ(product(plan, "A").to_receive, 10);
  EXPECT_EQ(product(plan, "A").name, "LAMP");
  EXPECT_EQ(product(plan, "B").to_receive, 2);
  EXPECT_FALSE(product(plan, "B").on_sale);
}

TEST(Plan, AWholeCancellationCancelsTheOrder) {
  const auto plan = plan_of(
      "1,A,LAMP,2,01,1.50,9\n1,B,BELL,1,01,4,9\n1,A,LAMP,1,01,1.50,9\nC2,B,BELL,-1,02,4,9\nC2,A,LAMP,-3,02,1.50,9\n");
  const auto& cancellation = invoice(plan, "C2");
  EXPECT_EQ(cancellation.kind, InvoiceClass::whole_cancellation);
  ASSERT_EQ(cancellation.returns.size(), 2u);
  EXPECT_EQ(plan.invoices[cancellation.returns.front().order].number, "1");
  EXPECT_TRUE(plan.left_out.empty());
}

TEST(Plan, APartCancellationRefundsItsAmount) {
  const auto plan =
      plan_of("1,A,LAMP,5,01,1.50,9\nC2,A,LAMP,-2,02,1.50,9\nC3,A,LAMP,-3,03,1.50,9\nC4,A,LAMP,-1,04,1.50,9\n");
  EXPECT_EQ(invoice(plan, "C2").kind, InvoiceClass::part_cancellation);
  EXPECT_EQ(invoice(plan, "C2").returns.front().amount, 300);
  // What is left of it, but no longer the whole.
  EXPECT_EQ(invoice(plan, "C3").kind, InvoiceClass::part_cancellation);
  EXPECT_EQ(invoice(plan, "C4").kind, InvoiceClass::unmatched_cancellation);
}

TEST(Plan, TwoLinesOfACancellationAreTakenTogether) {
  const auto plan = plan_of("1,A,LAMP,5,01,1.50,9\nC2,A,LAMP,-2,02,1.50,9\nC2,A,LAMP,-3,02,1.50,9\n");
  EXPECT_EQ(invoice(plan, "C2").kind, InvoiceClass::whole_cancellation);
}

TEST(Plan, ACancellationMatchesTheLatestOrderThatCoversIt) {
  const auto plan = plan_of("1,A,LAMP,5,01,2,9\n2,A,LAMP,5,02,2,9\n3,B,BELL,5,03,2,9\nC4,A,LAMP,-5,04,2,9\n");
  EXPECT_EQ(invoice(plan, "C4").kind, InvoiceClass::whole_cancellation);
  EXPECT_EQ(plan.invoices[invoice(plan, "C4").returns.front().order].number, "2");
}

TEST(Plan, ACancellationMayTakeFromSeveralOrders) {
  const auto plan = plan_of("1,A,LAMP,5,01,2,9\n2,B,BELL,5,02,3,9\nC3,A,LAMP,-5,04,2,9\nC3,B,BELL,-1,04,3,9\n");
  const auto& cancellation = invoice(plan, "C3");
  EXPECT_EQ(cancellation.kind, InvoiceClass::part_cancellation);
  EXPECT_EQ(plan.invoices[cancellation.returns[0].order].number, "1");
  EXPECT_EQ(plan.invoices[cancellation.returns[1].order].number, "2");
}

TEST(Plan, WhatMatchesNothingIsListedWithItsAmount) {
  const char* sold = "1,A,LAMP,5,02,2,9\n1,B,BELL,1,02,2,9\n";
  struct Case {
    const char* line;
    std::int64_t amount;
  };
  for (const auto& [line, amount] : {Case{"C2,A,LAMP,-6,03,2,9\n", -1200},  // more than was bought
                                     Case{"C2,A,LAMP,-1,03,3,9\n", -300},   // at another price
                                     Case{"C2,A,LAMP,-1,03,2,8\n", -200},   // another customer
                                     Case{"C2,A,LAMP,-1,03,2,\n", -200},    // nobody
                                     Case{"C2,A,LAMP,-1,01,2,9\n", -200},   // before it was bought
                                     Case{"C2,D,Discount,-1,03,27.5,9\n", -2750}}) {
    const auto plan = plan_of(std::string(sold) + line);
    EXPECT_EQ(invoice(plan, "C2").kind, InvoiceClass::unmatched_cancellation) << line;
    ASSERT_EQ(plan.left_out.size(), 1u) << line;
    EXPECT_EQ(plan.left_out.front().amount, amount) << line;
    EXPECT_EQ(plan.left_out.front().invoice, "C2");
  }
}

TEST(Plan, AHalfMatchedCancellationListsTheOtherHalf) {
  const auto plan = plan_of("1,A,LAMP,5,01,2,9\nC2,A,LAMP,-5,02,2,9\nC2,X,OLD,-1,02,7,9\n");
  EXPECT_EQ(invoice(plan, "C2").kind, InvoiceClass::whole_cancellation);  // of order 1
  ASSERT_EQ(plan.left_out.size(), 1u);
  EXPECT_EQ(plan.left_out.front().amount, -700);
}

TEST(Plan, GuestsOrdersAreNeverMatched) {
  EXPECT_EQ(invoice(plan_of("1,A,LAMP,5,01,2,\nC2,A,LAMP,-5,02,2,\n"), "C2").kind,
            InvoiceClass::unmatched_cancellation);
}

struct LeftOutCase {
  const char* line;
  const char* reason;
};
class NotRepresentable : public ::testing::TestWithParam<LeftOutCase> {};
TEST_P(NotRepresentable, IsNamedWithItsReason) {
  const auto plan = plan_of(GetParam().line);
  ASSERT_EQ(plan.invoices.size(), 1u);
  EXPECT_EQ(plan.invoices.front().kind, InvoiceClass::not_representable);
  ASSERT_EQ(plan.left_out.size(), 1u);
  EXPECT_THAT(plan.left_out.front().reason, HasSubstr(GetParam().reason));
}
INSTANTIATE_TEST_SUITE_P(Lines, NotRepresentable,
                         ::testing::Values(LeftOutCase{"A1,B,Adjust bad debt,1,01,-11062.06,", "negative"},
                                           LeftOutCase{"1,PADS,PADS,1,01,0.001,9", "finer than a penny"},
                                           LeftOutCase{"1,A,LAMP,0,01,1,9", "no unit"},
                                           LeftOutCase{"1,A,LAMP,-1,01,1,9", "money without a sale"},
                                           LeftOutCase{"C1,A,LAMP,1,01,1,9", "sells something"},
                                           LeftOutCase{"1,A/B,LAMP,1,01,1,9", "can't be a SKU"},
                                           LeftOutCase{"1,A@1.00,LAMP,1,01,1,9", "can't be a SKU"},
                                           LeftOutCase{"1,A,LAMP,2000000000,01,1,9", "1,000,000,000 units"},
                                           LeftOutCase{"1,A,LAMP,1000000000,01,9999,9", "10,000,000,000.00"}));

TEST(Plan, AnInvoiceWithMoreArticlesThanACartHoldsIsNotRepresentable) {
  std::string lines = "2,A0,x,1,01,1,9\n";
  for (int i = 0; i <= 1000; ++i) lines += "1,A" + std::to_string(i) + ",x,1,01,1,9\n";
  const auto file = file_of(lines);
  const auto plan = make_plan(file);
  EXPECT_EQ(invoice(plan, "1").kind, InvoiceClass::not_representable);
  EXPECT_EQ(plan.left_out.size(), 1001u);
  EXPECT_EQ(product(plan, "A0").to_receive, 1);
  EXPECT_EQ(sums_of(file.rows).total_sold(), (Sum{1, 100}));
}

TEST(Plan, InvoicesOfWhichNothingCouldBeReadAreCountedToo) {
  const auto plan = plan_of("1,A,LAMP,six,01,1,9\n1,A,LAMP,7.5,01,1,9\n2,A,LAMP,1,01,1,9\n2,A,LAMP,x,01,1,9\n");
  ASSERT_EQ(plan.invoices.size(), 2u);
  EXPECT_EQ(invoice(plan, "1").kind, InvoiceClass::unreadable);
  EXPECT_EQ(invoice(plan, "2").kind, InvoiceClass::order);
}

TEST(Sums, AddUpSalesAndCancellationsLineByLine) {
  const auto sums = sums_of(
      file_of("1,A,L,2,01,1.50,9\n1,A,L,3,01,1.25,9\n2,A,?,-9,01,0,\nC3,A,L,-1,02,1.50,9\nA4,B,debt,1,02,-5,\n").rows);
  EXPECT_EQ(sums.sold.at("1"), (Sum{5, 675}));
  EXPECT_EQ(sums.sold.size(), 1u);
  EXPECT_EQ(sums.given_back.at("C3"), (Sum{1, 150}));
  EXPECT_EQ(sums.net_pence, 675 - 150 - 500);
}

TEST(Sample, HasEveryClassOfInvoice) {
  const auto file = read_sales(std::string(sample_csv)).value();
  EXPECT_TRUE(file.bad.empty());
  const auto plan = make_plan(file);
  for (const auto kind :
       {InvoiceClass::order, InvoiceClass::adjustment, InvoiceClass::whole_cancellation,
        InvoiceClass::part_cancellation, InvoiceClass::unmatched_cancellation, InvoiceClass::not_representable}) {
    EXPECT_TRUE(std::any_of(plan.invoices.begin(), plan.invoices.end(), [&](const Invoice& one) {
      return one.kind == kind;
    })) << static_cast<int>(kind);
  }
}

}  // namespace
}  // namespace everfold::load
