// Ids that come from ids. Whatever happens twice gets the same id both times, and is known by it (docs/architecture.md).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace everfold {

// 32 hex digits: the first 128 bits of SHA-256 over the parts, each preceded by its length, so that ("ab","c") and
// ("a","bc") differ.
std::string derive_id(std::initializer_list<std::string_view> parts);

// The event's place in the commit of its command, from 1: "<command id>.1".
std::string event_id(std::string_view command_id, std::size_t place);

// Of one shop's sku there is one product: the product's id is derived from it, so the log of that id is the claim on it.
std::string product_id(std::string_view sku);
std::string order_id_of_cart(std::string_view cart_id);
std::string payment_id_of_order(std::string_view order_id);
// For people: "EF-" and ten characters of Crockford's base 32, from the order's id.
std::string order_number(std::string_view order_id);

}  // namespace everfold
