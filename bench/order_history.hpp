// A shop's past, the same every time: orders that were placed, got their stock, were paid and confirmed. Worked out
// from an order's place in the history, so that what a view says can be checked against it without keeping it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log/stored_event.hpp"

namespace everfold::bench {

struct OrderLine {
  std::string sku, name;
  int64_t quantity = 0;
  int64_t unit_price = 0;  // cents
};

struct PastOrder {
  std::string id, number, cart_id;
  std::optional<std::string> customer_id;  // none: a guest
  std::vector<OrderLine> lines;            // 1 to 6
  int64_t total = 0;                       // cents
  int64_t placed_ms = 0;
};

inline constexpr const char* currency = "USD";

PastOrder past_order(int64_t place);  // from 0

// OrderPlaced, OrderStockReserved, OrderPaymentUpdated, OrderConfirmed: versions 1 to 4, a second apart.
inline constexpr int events_of_an_order = 4;
StoredEvent past_event(const PastOrder& order, int version);
inline int64_t time_of(const PastOrder& order, int version) { return order.placed_ms + (version - 1) * 1'000; }

}  // namespace everfold::bench
