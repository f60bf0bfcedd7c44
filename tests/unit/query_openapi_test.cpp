// openapi.json is the full truth about the interface: every route that this program serves and every command of the
// contract.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "platform/http/router.hpp"
#include "query-api/openapi/openapi.hpp"
#include "schemas/carts/v1/views.pb.h"
#include "schemas/catalog/v1/views.pb.h"
#include "schemas/checkout/v1/views.pb.h"
#include "schemas/routes.hpp"
#include "schemas/inventory/v1/views.pb.h"
#include "schemas/orders/v1/views.pb.h"
#include "schemas/payments/v1/views.pb.h"
#include "tests/unit/fake_shop.hpp"
#include "tests/unit/query_shop.hpp"

namespace everfold::query {
namespace {

using nlohmann::json;

const json& document() {
  static const json parsed = json::parse(openapi_document());
  return parsed;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

using Operations = std::set<std::pair<std::string, std::string>>;  // "get", "/api/orders/{id}"

Operations operations_of(const http::Router& router) {
  Operations operations;
  for (const auto& [method, pattern] : router.routes()) operations.emplace(lower(http::method_name(method)), pattern);
  return operations;
}

Operations described() {
  Operations operations;
  for (const auto& [path, item] : document()["paths"].items())
    for (const auto& [method, operation] : item.items())
      if (method != "parameters") operations.emplace(method, path);
  return operations;
}

class OpenApi : public testing::FakeShop {};  // it has the routes of everfold-command

TEST_F(OpenApi, has_the_routes_of_both_programs_and_no_others) {
  auto served = operations_of(QueryShop().router());
  served.merge(operations_of(router));
  EXPECT_EQ(described(), served);
}

TEST_F(OpenApi, has_the_routes_that_both_programs_know_of) {
  Operations known;
  for (const auto& [method, pattern] : contract::routes) known.emplace(lower(method), pattern);
  EXPECT_EQ(described(), known);
}

TEST_F(OpenApi, has_every_route_of_the_contract) {
  const Operations contract{
      {"post", "/api/products"},
      {"get", "/api/products"},
      {"get", "/api/products/{id}"},
      {"put", "/api/products/{id}"},
      {"patch", "/api/products/{id}"},
      {"delete", "/api/products/{id}"},
      {"post", "/api/inventory/{sku}/receipts"},
      {"post", "/api/inventory/{sku}/adjustments"},
      {"put", "/api/inventory/{sku}/threshold"},
      {"get", "/api/inventory/{sku}"},
      {"get", "/api/inventory"},
      {"get", "/api/inventory/{sku}/log"},
      {"post", "/api/carts"},
      {"get", "/api/carts/{id}"},
      {"post", "/api/carts/{id}/items"},
      {"patch", "/api/carts/{id}/items/{sku}"},
      {"delete", "/api/carts/{id}/items/{sku}"},
      {"post", "/api/carts/{id}/checkout"},
      {"get", "/api/orders/{id}"},
      {"get", "/api/orders"},
      {"post", "/api/orders/{id}/cancel"},
      {"get", "/api/orders/{id}/history"},
      {"get", "/api/payments/{id}"},
      {"post", "/api/payments/{id}/refunds"},
      {"post", "/api/payments/sandbox/{id}/complete"},
      {"get", "/openapi.json"},
  };
  const auto all = described();
  for (const auto& operation : contract)
    EXPECT_TRUE(all.contains(operation)) << operation.first << ' ' << operation.second;
}

void expect_references_lead_somewhere(const json& value) {
  if (value.is_object() && value.contains("$ref")) {
    const std::string reference = value["$ref"];
    ASSERT_TRUE(reference.starts_with("#/")) << reference;
    EXPECT_TRUE(document().contains(json::json_pointer(reference.substr(1)))) << reference;
  }
  if (value.is_structured())
    for (const auto& part : value) expect_references_lead_somewhere(part);
}

TEST_F(OpenApi, references_lead_somewhere) { expect_references_lead_somewhere(document()); }

TEST_F(OpenApi, every_operation_says_its_errors_and_its_path_parameters) {
  std::set<std::string> operation_ids;
  for (const auto& [path, item] : document()["paths"].items()) {
    std::size_t in_path = 0;
    for (const auto& parameter : item.value("parameters", json::array())) {
      EXPECT_NE(path.find("{" + parameter["name"].get<std::string>() + "}"), std::string::npos) << path;
      ++in_path;
    }
    EXPECT_EQ(in_path, static_cast<std::size_t>(std::ranges::count(path, '{'))) << path;
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      EXPECT_TRUE(operation_ids.insert(operation["operationId"]).second) << path << " has an operationId twice";
      if (path != "/openapi.json") {
        for (const char* status : {"400", "500", "503"})
          EXPECT_TRUE(operation["responses"].contains(status)) << method << ' ' << path << ' ' << status;
      }
    }
  }
}

TEST_F(OpenApi, is_served) {
  QueryShop shop;
  const auto answer = shop.get("/openapi.json");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["openapi"], "3.1.0");
}

// The rows' schemas name the fields that rows have.
void expect_fields(const std::string& schema, const google::protobuf::Descriptor& row) {
  std::set<std::string> described, actual;
  for (const auto& [name, property] : document()["components"]["schemas"][schema]["properties"].items())
    described.insert(name);
  for (int i = 0; i < row.field_count(); ++i) actual.insert(row.field(i)->json_name());
  EXPECT_EQ(described, actual) << schema;
}

TEST_F(OpenApi, schemas_have_the_fields_that_rows_have) {
  expect_fields("Product", *catalog::v1::ProductRow::descriptor());
  expect_fields("Stock", *inventory::v1::StockRow::descriptor());
  expect_fields("StockLogEntry", *inventory::v1::StockLogEntry::descriptor());
  expect_fields("Cart", *carts::v1::CartRow::descriptor());
  expect_fields("Order", *orders::v1::OrderRow::descriptor());
  expect_fields("OpenCheckout", *checkout::v1::CheckoutRow::descriptor());
  expect_fields("Payment", *payments::v1::PaymentRow::descriptor());
}

}  // namespace
}  // namespace everfold::query
