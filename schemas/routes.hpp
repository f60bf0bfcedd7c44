// The paths of the HTTP contract, whichever program serves them. Behind the gateway reads and commands go to different programs: by this
// list each of them can tell a path that does not exist (404) from one that is served for other methods (405).
// tests/unit/query_openapi_test.cpp holds it against openapi.json.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace everfold::contract {

inline constexpr std::array<std::pair<std::string_view, std::string_view>, 31> routes{{
    {"POST", "/api/carts"},
    {"GET", "/api/carts/{id}"},
    {"POST", "/api/carts/{id}/checkout"},
    {"GET", "/api/carts/{id}/history"},
    {"POST", "/api/carts/{id}/items"},
    {"PATCH", "/api/carts/{id}/items/{sku}"},
    {"DELETE", "/api/carts/{id}/items/{sku}"},
    {"GET", "/api/checkouts"},
    {"GET", "/api/inventory"},
    {"GET", "/api/inventory/{sku}"},
    {"POST", "/api/inventory/{sku}/adjustments"},
    {"GET", "/api/inventory/{sku}/log"},
    {"POST", "/api/inventory/{sku}/receipts"},
    {"PUT", "/api/inventory/{sku}/threshold"},
    {"GET", "/api/orders"},
    {"GET", "/api/orders/{id}"},
    {"POST", "/api/orders/{id}/cancel"},
    {"GET", "/api/orders/{id}/history"},
    {"GET", "/api/payments"},
    {"POST", "/api/payments/sandbox/{id}/complete"},
    {"GET", "/api/payments/{id}"},
    {"GET", "/api/payments/{id}/history"},
    {"POST", "/api/payments/{id}/refunds"},
    {"GET", "/api/products"},
    {"POST", "/api/products"},
    {"GET", "/api/products/{id}"},
    {"PUT", "/api/products/{id}"},
    {"PATCH", "/api/products/{id}"},
    {"DELETE", "/api/products/{id}"},
    {"GET", "/api/products/{id}/history"},
    {"GET", "/openapi.json"},
}};

}  // namespace everfold::contract
