#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/json/parse.hpp"
#include "platform/json/write.hpp"
#include "schemas/carts/v1/commands.pb.h"
#include "schemas/catalog/v1/commands.pb.h"
#include "schemas/catalog/v1/views.pb.h"
#include "schemas/checkout/v1/commands.pb.h"
#include "schemas/inventory/v1/commands.pb.h"
#include "schemas/orders/v1/commands.pb.h"
#include "schemas/orders/v1/views.pb.h"

namespace everfold::json {
namespace {

template <class Message>
struct Parsed {
  Message message;
  Decided<std::vector<std::string>> fields;
};

template <class Message>
Parsed<Message> parse(std::string_view body, const ParseOptions& options = {}) {
  Message message;
  auto fields = parse_into(body, message, options);
  return {std::move(message), std::move(fields)};
}

using Product = catalog::v1::ProductDetails;
using Receipt = inventory::v1::ReceiveStock;

FieldError first_error(const Decided<std::vector<std::string>>& fields) {
  if (fields || fields.error().details.empty()) return {"(none)", ""};
  return fields.error().details.front();
}

TEST(ParseJson, ReadsEveryKindOfFieldThatACommandHas) {
  const auto [product, fields] = parse<Product>(R"({
    "name": "Töpfe \u2615", "description": null, "price": {"amount": 1999, "currency": "USD"},
    "attributes": {"colour": "red", "size": "XL"}, "status": "active"})");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields.value(), (std::vector<std::string>{"name", "description", "price", "attributes", "status"}));
  EXPECT_EQ(product.name(), "Töpfe ☕");
  EXPECT_FALSE(product.has_description());
  EXPECT_EQ(product.price().amount(), 1999);
  EXPECT_EQ(product.attributes().at("size"), "XL");
  EXPECT_EQ(product.status(), Product::active);
}

TEST(ParseJson, ReadsListsOfObjectsAndTimes) {
  const auto [start, fields] = parse<checkout::v1::StartCheckout>(
      R"({"lines": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}], "expiresAt": "2026-01-31T13:00:00.25+01:00"})");
  ASSERT_TRUE(fields);
  ASSERT_EQ(start.lines_size(), 2);
  EXPECT_EQ(start.lines(1).quantity(), 2);
  EXPECT_EQ(start.expires_at().seconds(), 1769860800);
  EXPECT_EQ(start.expires_at().nanos(), 250'000'000);
}

TEST(ParseJson, TimesBefore1970KeepTheirNanosPositive) {
  const auto [start, fields] = parse<checkout::v1::StartCheckout>(R"({"expiresAt": "1969-12-31T23:59:59.900Z"})");
  ASSERT_TRUE(fields);
  EXPECT_EQ(start.expires_at().seconds(), -1);
  EXPECT_EQ(start.expires_at().nanos(), 900'000'000);
}

struct WrongField {
  const char* body;
  const char* field;
  const char* message;
};

TEST(ParseJson, NamesTheFieldThatIsWrong) {
  const WrongField table[] = {
      {R"({"prise": 3})", "prise", "is not a field here: leave it out, or use one of"},
      {R"({"unit_price": 3})", "unit_price", "is not a field here"},
      {R"({"price": {"amount": 1.5}})", "price.amount", "must be an integer"},
      {R"({"price": {"amount": 1e3}})", "price.amount", "must be an integer"},
      {R"({"price": {"amount": 1.0}})", "price.amount", "must be an integer"},
      {R"({"price": {"amount": "1"}})", "price.amount", "must be an integer"},
      {R"({"price": {"amount": true}})", "price.amount", "must be an integer"},
      {R"({"price": {"amount": null}})", "price.amount", "must be an integer"},
      {R"({"price": {"amount": 9223372036854775808}})", "price.amount", "is out of range"},
      {R"({"price": {"amount": -9223372036854775809}})", "price.amount", "is out of range"},
      {R"({"price": {"amount": 99999999999999999999999}})", "price.amount", "is out of range"},
      {R"({"price": {"amount": 1, "currency": "USD", "x": 1}})", "price.x", "is not a field here"},
      {R"({"price": 3})", "price", "must be an object with amount, currency"},
      {R"({"price": [1]})", "price", "must be an object"},
      {R"({"name": 3})", "name", "must be a string"},
      {R"({"name": null})", "name", "must not be null"},
      {R"({"name": {}})", "name", "must be a string"},
      {R"({"name": "a\u0000b"})", "name", "must not contain U+0000"},
      {R"({"status": "unspecified"})", "status", "must be one of draft, active, archived"},
      {R"({"status": "ACTIVE"})", "status", "must be one of draft, active, archived"},
      {R"({"status": 2})", "status", "must be one of draft, active, archived"},
      {R"({"attributes": []})", "attributes", "must be an object"},
      {R"({"attributes": null})", "attributes", "must be an object"},
      {R"({"attributes": {"a": 1}})", "attributes.a", "must be a string"},
  };
  for (const auto& row : table) {
    const auto parsed = parse<Product>(row.body);
    ASSERT_FALSE(parsed.fields) << row.body;
    EXPECT_EQ(parsed.fields.error().code, Code::validation_failed) << row.body;
    EXPECT_EQ(first_error(parsed.fields).field, row.field);
    EXPECT_TRUE(first_error(parsed.fields).message.starts_with(row.message)) << first_error(parsed.fields).message;
  }
}

TEST(ParseJson, NamesTheElementOfAListThatIsWrong) {
  const auto parsed = parse<orders::v1::PlaceOrder>(R"({"lines": [{"quantity": 1}, {"quantity": "2"}]})");
  EXPECT_EQ(first_error(parsed.fields), (FieldError{"lines[1].quantity", "must be an integer"}));
  EXPECT_EQ(first_error(parse<orders::v1::PlaceOrder>(R"({"lines": {}})").fields),
            (FieldError{"lines", "must be a list"}));
}

TEST(ParseJson, NamesTimesThatAreNone) {
  for (const char* time : {"\"tomorrow\"", "1769860800", "\"2026-02-30T00:00:00Z\"", "\"2026-01-31\""}) {
    const auto parsed = parse<checkout::v1::StartCheckout>(std::string(R"({"expiresAt": )") + time + "}");
    EXPECT_EQ(first_error(parsed.fields).field, "expiresAt") << time;
  }
}

TEST(ParseJson, TellsAllWrongFieldsAtOnce) {
  const auto parsed = parse<Product>(R"({"name": 1, "prise": 2, "price": {"amount": "x"}})");
  ASSERT_FALSE(parsed.fields);
  EXPECT_EQ(parsed.fields.error().details.size(), 3u);
  EXPECT_EQ(parsed.fields.error().message, "name must be a string; 2 more fields are wrong, see details");
}

TEST(ParseJson, DoesNotTellMoreThanACallerCanRead) {
  std::string body = "{\"" + std::string(100'000, 'x') + "\":1";
  for (int i = 0; i < 10'000; ++i) body += ",\"x" + std::to_string(i) + "\":1";
  const auto parsed = parse<Product>(body + "}");
  ASSERT_FALSE(parsed.fields);
  EXPECT_EQ(parsed.fields.error().details.size(), 20u);
  EXPECT_LT(parsed.fields.error().details.front().field.size(), 100u);
}

TEST(ParseJson, LimitsOfTheIntegersAreIn) {
  EXPECT_EQ(parse<Receipt>(R"({"quantity": 9223372036854775807})").message.quantity(), INT64_MAX);
  EXPECT_EQ(parse<Receipt>(R"({"quantity": -9223372036854775808})").message.quantity(), INT64_MIN);
  EXPECT_TRUE(parse<Receipt>(R"({"quantity": 0})").fields);
}

TEST(ParseJson, WhatIsNotOneJsonObjectInUtf8IsMalformed) {
  const std::string table[] = {"",
                               " ",
                               "{",
                               "{\"sku\": ",
                               "[]",
                               "3",
                               "null",
                               "\"x\"",
                               "{} {}",
                               "{}x",
                               "{'quantity': 1}",
                               "{\"quantity\": 1,}",
                               "{\"quantity\": 01}",
                               "{\"quantity\": +1}",
                               "{\"quantity\": NaN}",
                               "{\"quantity\": Infinity}",
                               "{quantity: 1}",
                               "{\"quantity\": 1} // why",
                               "{\"reference\": \"\xff\xfe\"}",
                               "{\"reference\": \"\xc0\x80\"}",
                               "{\"reference\": \"\xed\xa0\x80\"}",
                               "{\"reference\": \"\xf4\x90\x80\x80\"}",
                               "{\"reference\": \"\\ud800\"}",
                               "{\"reference\": \"\\ud800x\"}",
                               "{\"reference\": \"a\nb\"}",
                               "{\"\xff\": 1}",
                               "{\"quantity\": 1e999}",
                               std::string("{}\0", 3),
                               "{\"quantity\": 1, \"quantity\": 1}",
                               "{\"quantity\": 1, \"\\u0071uantity\": 2}",
                               "\xff\xfe{\0}\0",
                               std::string(200'000, '['),
                               std::string(200'000, '{')};
  for (const auto& body : table) {
    const auto parsed = parse<Receipt>(body);
    ASSERT_FALSE(parsed.fields) << body.substr(0, 100);
    EXPECT_EQ(parsed.fields.error().code, Code::malformed) << body.substr(0, 100) << parsed.fields.error().message;
  }
}

TEST(ParseJson, HalfASurrogatePairIsNoText) {
  const auto parsed = parse<Receipt>(R"({"reference": "\udc00"})");
  ASSERT_FALSE(parsed.fields);
}

TEST(ParseJson, SaysWhereTheSyntaxIsWrong) {
  const auto parsed = parse<Receipt>("{\"quantity\": }");
  EXPECT_NE(parsed.fields.error().message.find("at byte 13"), std::string::npos) << parsed.fields.error().message;
}

TEST(ParseJson, DuplicatesInNestedObjectsAndMapsAreMalformed) {
  EXPECT_EQ(parse<Product>(R"({"price": {"amount": 1, "amount": 2}})").fields.error().code, Code::malformed);
  EXPECT_EQ(parse<Product>(R"({"attributes": {"a": "1", "a": "2"}})").fields.error().message,
            "The body gives \"attributes.a\" twice.");
}

TEST(ParseJson, DeepNestingDoesNotUseUpTheStack) {
  const std::string deep(400'000, '[');
  const auto parsed = parse<Receipt>("{\"quantity\": " + deep + std::string(400'000, ']') + "}");
  EXPECT_EQ(first_error(parsed.fields), (FieldError{"quantity", "must be an integer"}));
}

TEST(ParseJson, OnlyAllowedFieldsAreKnown) {
  const ParseOptions options{{"sku", "quantity"}, {}};
  EXPECT_TRUE(parse<carts::v1::AddCartItem>(R"({"sku": "a", "quantity": 1})", options).fields);
  const auto forged =
      parse<carts::v1::AddCartItem>(R"({"sku": "a", "unitPrice": {"amount": 1, "currency": "USD"}})", options);
  EXPECT_EQ(first_error(forged.fields),
            (FieldError{"unitPrice", "is not a field here: leave it out, or use one of sku, quantity"}));
}

TEST(ParseJson, AnExtraFieldIsReadBesideTheMessage) {
  std::optional<std::string> sku;
  const ParseOptions options{{}, {{"sku", &sku}}};
  const auto parsed = parse<Product>(R"({"sku": "S-1", "name": "x"})", options);
  ASSERT_TRUE(parsed.fields);
  EXPECT_EQ(sku, "S-1");
  EXPECT_EQ(parsed.message.name(), "x");
  EXPECT_EQ(first_error(parse<Product>(R"({"sku": 3})", options).fields), (FieldError{"sku", "must be a string"}));
}

TEST(WriteJson, PrintsWhatIsThereAndLeavesOutWhatIsUnset) {
  catalog::v1::ProductRow row;
  row.set_id("p1");
  row.mutable_price()->set_amount(-5);
  (*row.mutable_attributes())["b"] = "2";
  (*row.mutable_attributes())["a"] = "1";
  row.set_status(Product::draft);
  row.mutable_created_at()->set_seconds(1769860800);
  row.mutable_created_at()->set_nanos(123'456'789);
  EXPECT_EQ(to_json(row),
            R"({"id":"p1","sku":"","name":"","price":{"amount":-5,"currency":""},"attributes":{"a":"1","b":"2"},)"
            R"("status":"draft","version":0,"createdAt":"2026-01-31T12:00:00.123Z"})");
}

TEST(WriteJson, ListsAreAlwaysThereAndOptionalFieldsWhenSet) {
  orders::v1::OrderRow row;
  EXPECT_NE(to_json(row).find(R"("lines":[],)"), std::string::npos);
  EXPECT_EQ(to_json(row).find("customerId"), std::string::npos);
  row.set_customer_id("");
  EXPECT_NE(to_json(row).find(R"("customerId":"",)"), std::string::npos);
}

TEST(WriteJson, SparseRowsHoldTheFieldsAskedFor) {
  orders::v1::OrderRow row;
  row.set_id("o1");
  row.set_order_number("EF-1");
  const std::vector<std::string> fields{"version", "id", "nonsense"};
  EXPECT_EQ(to_json(row, &fields), R"({"id":"o1","version":0})");
  const std::vector<std::string> none{"nonsense"};
  EXPECT_EQ(to_json(row, &none), "{}");
}

TEST(WriteJson, AnEnumValueOfALaterSchemaIsTold) {
  catalog::v1::ProductRow row;
  row.set_status(static_cast<Product::Status>(77));
  const std::vector<std::string> status{"status"};
  EXPECT_EQ(to_json(row, &status), R"({"status":77})");
}

TEST(WriteJson, QuotesWhateverTextItIsGiven) {
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(quoted("\n\r\t\x01\x1f"), R"("\n\r\t\u0001\u001f")");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(quoted("ä☕😀"), "\"ä☕😀\"");
  EXPECT_EQ(quoted("a\xff\xfe"
                   "b"),
            "\"a\xef\xbf\xbd\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(quoted("\xe2\x98"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(WriteJson, WhatIsWrittenCanBeReadAgain) {
  Product product;
  product.set_name("q\"\\\n\x01 ☕");
  product.mutable_price()->set_amount(INT64_MAX);
  product.mutable_price()->set_currency("VND");
  product.set_brand("");
  product.set_status(Product::archived);
  (*product.mutable_attributes())["ü"] = "{}";
  const auto parsed = parse<Product>(to_json(product));
  ASSERT_TRUE(parsed.fields) << parsed.fields.error().message;
  EXPECT_EQ(to_json(parsed.message), to_json(product));
  EXPECT_EQ(parsed.message.name(), product.name());
}

}  // namespace
}  // namespace everfold::json
