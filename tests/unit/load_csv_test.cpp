#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/load/csv.hpp"
#include "tools/load/rows.hpp"

namespace everfold::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Fields = std::vector<std::string>;

struct CsvCase {
  const char* text;
  std::vector<Fields> records;
};

class Csv : public ::testing::TestWithParam<CsvCase> {};

TEST_P(Csv, ReadsRecords) {
  CsvReader reader(GetParam().text);
  std::vector<Fields> records;
  while (auto record = reader.next()) {
    EXPECT_THAT(record->error, IsEmpty());
    records.push_back(record->fields);
  }
  EXPECT_EQ(records, GetParam().records);
}

INSTANTIATE_TEST_SUITE_P(Rfc4180, Csv,
                         ::testing::Values(CsvCase{"", {}}, CsvCase{"\n\r\n", {}}, CsvCase{"a,b\n", {{"a", "b"}}},
                                           CsvCase{"a,b", {{"a", "b"}}}, CsvCase{"a,\r\nb\r\n", {{"a", ""}, {"b"}}},
                                           CsvCase{"\"a,b\",c", {{"a,b", "c"}}},
                                           CsvCase{"\"12\"\" tray\",1", {{"12\" tray", "1"}}},
                                           CsvCase{"\"two\nlines\",x\ny,z", {{"two\nlines", "x"}, {"y", "z"}}},
                                           CsvCase{"\"\",\"\"\n", {{"", ""}}}, CsvCase{"a\n\nb\n", {{"a"}, {"b"}}},
                                           CsvCase{"6\" nail,1\n", {{"6\" nail", "1"}}}));

TEST(CsvReader, NamesTheLineWhereARecordBegins) {
  CsvReader reader("a\n\"b\nc\"\n\nd\n");
  EXPECT_EQ(reader.next()->line, 1u);
  EXPECT_EQ(reader.next()->line, 2u);
  EXPECT_EQ(reader.next()->line, 5u);
}

TEST(CsvReader, GoesOnBehindTextAfterAClosingQuote) {
  CsvReader reader("\"a\"b,c\nd,e\n");
  EXPECT_THAT(reader.next()->error, HasSubstr("closing quote"));
  const auto next = reader.next();
  EXPECT_EQ(next->line, 2u);
  EXPECT_THAT(next->fields, ElementsAre("d", "e"));
}

TEST(CsvReader, ReportsAQuoteThatIsNeverClosed) {
  CsvReader reader("a,\"b\nc\n");
  EXPECT_THAT(reader.next()->error, HasSubstr("never closed"));
  EXPECT_FALSE(reader.next());
}

TEST(ToUtf8, KeepsUtf8AndConvertsLatin1) {
  EXPECT_EQ(to_utf8("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(to_utf8("caf\xe9 \xa3"), "caf\xc3\xa9 \xc2\xa3");
  EXPECT_EQ(to_utf8("\xef\xbb\xbfInvoiceNo"), "InvoiceNo");
  EXPECT_EQ(to_utf8("\xed\xa0\x80"), "\xc3\xad\xc2\xa0\xc2\x80");  // a surrogate is no UTF-8
}

struct PriceCase {
  const char* text;
  std::optional<std::int64_t> pence;
};
class Prices : public ::testing::TestWithParam<PriceCase> {};
TEST_P(Prices, AreExact) {
  const auto price = parse_price(GetParam().text);
  ASSERT_TRUE(price) << GetParam().text;
  EXPECT_EQ(price->pence, GetParam().pence) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(Pence, Prices,
                         ::testing::Values(PriceCase{"2.55", 255}, PriceCase{"165", 16500}, PriceCase{"0.3", 30},
                                           PriceCase{"0", 0}, PriceCase{".5", 50}, PriceCase{"-11062.06", -1106206},
                                           PriceCase{"1.150", 115}, PriceCase{"0.29", 29}, PriceCase{"4.35", 435},
                                           PriceCase{"0.001", std::nullopt}, PriceCase{"8.505", std::nullopt},
                                           PriceCase{"9999999999.99", 999999999999}));

TEST(ParsePrice, RefusesWhatIsNoAmount) {
  for (const char* text : {"", ".", "-", "1,5", "1e3", "nan", "2.5.5", "10000000000", "£2"})
    EXPECT_FALSE(parse_price(text)) << text;
}

TEST(Pounds, AreWrittenWithTwoDigits) {
  EXPECT_EQ(pounds(1234), "12.34");
  EXPECT_EQ(pounds(-5), "-0.05");
  EXPECT_EQ(pounds(0), "0.00");
}

TEST(ParseDate, TakesBothForms) {
  using namespace std::chrono;
  const Seconds expected = sys_days(year(2010) / 12 / 1) + hours(8) + minutes(26);
  for (const char* text : {"2010-12-01T08:26:00", "2010-12-01 08:26", "12/1/2010 8:26"})
    EXPECT_EQ(parse_date(text), expected) << text;
  for (const char* text :
       {"", "2010-12-01", "2010-02-30T08:00:00", "2010-12-01T24:00:00", "13/1/2010 8:26", "T", "2010-12-01T8"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

constexpr const char* header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

TEST(ReadSales, FindsColumnsByName) {
  const auto file = read_sales(
      "Country,Price,Customer ID,Invoice,InvoiceDate,Quantity,Description,StockCode\r\n"
      "UK,2.55,17850.0,536365,12/1/2010 8:26,6, LAMP ,85123a\r\n");
  ASSERT_TRUE(file);
  ASSERT_EQ(file.value().rows.size(), 1u);
  const auto& row = file.value().rows.front();
  EXPECT_EQ(row.invoice, "536365");
  EXPECT_EQ(row.stock_code, "85123a");
  EXPECT_EQ(row.description, "LAMP");
  EXPECT_EQ(row.quantity, 6);
  EXPECT_EQ(row.price, 255);
  EXPECT_EQ(row.customer, "17850");
  EXPECT_EQ(row.line, 2u);
}

TEST(ReadSales, NamesEveryMissingColumn) {
  const auto file = read_sales("InvoiceNo,StockCode,Description,Quantity,InvoiceDate\n");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("line 1: no column UnitPrice, CustomerID"));
  EXPECT_FALSE(read_sales(""));
}

TEST(ReadSales, CountsBadLinesAndGoesOn) {
  const auto file = read_sales(std::string(header) +
                               "1,A,x,six,2010-12-01T08:00:00,1.00,,UK\n"
                               "2,A,x,6,yesterday,1.00,,UK\n"
                               "3,A,x,6,2010-12-01T08:00:00,cheap,,UK\n"
                               "4,A,x,y,6,2010-12-01T08:00:00,1.00,,UK\n"
                               "5,,x,6,2010-12-01T08:00:00,1.00,,UK\n"
                               ",A,x,6,2010-12-01T08:00:00,1.00,,UK\n"
                               "7,A,x,6,2010-12-01T08:00:00,1.00,,UK\n");
  ASSERT_TRUE(file);
  ASSERT_EQ(file.value().rows.size(), 1u);
  EXPECT_EQ(file.value().rows.front().line, 8u);
  const auto& bad = file.value().bad;
  ASSERT_EQ(bad.size(), 6u);
  const std::vector<std::string> reasons{"Quantity 'six'",     "InvoiceDate 'yesterday'",
                                         "UnitPrice 'cheap'",  "9 fields where the header has 8",
                                         "StockCode is empty", "InvoiceNo is empty"};
  for (std::size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(bad[i].line, i + 2);
    EXPECT_THAT(bad[i].reason, HasSubstr(reasons[i]));
  }
  EXPECT_EQ(bad[3].invoice, "4");
  EXPECT_EQ(bad[5].invoice, "");
}

}  // namespace
}  // namespace everfold::load
