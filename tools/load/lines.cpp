#include "tools/load/lines.hpp"

#include <algorithm>
#include <cstdlib>

namespace everfold::load {
namespace {

bool can_be_sku(const std::string& stock_code) {
  return std::all_of(stock_code.begin(), stock_code.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '/' && c != '@'; });
}

// What keeps a line from being sent whatever it means; empty: nothing.
std::string obstacle(const Row& row) {
  if (row.quantity == 0) return "it is for no unit at all";
  if (!row.price) return "its price is finer than a penny, the smallest amount in GBP";
  if (*row.price < 0) return "its price is negative, and the API has no negative prices";
  if (row.quantity > most_units || row.quantity < -most_units) return "it is for more than 1,000,000,000 units";
  if (!amount_of(row)) return "its amount is beyond 10,000,000,000.00 pounds";
  if (!can_be_sku(row.stock_code)) {
    return "its stock code can't be a SKU: that is printable ASCII without '/', and '@' is kept for prices";
  }
  if (sku_at_price(row.stock_code, *row.price).size() > longest_sku) return "its stock code is too long for a SKU";
  return {};
}

}  // namespace

LineMeaning meaning_of(const Row& row) {
  if (auto reason = obstacle(row); !reason.empty()) return {LineKind::left_out, std::move(reason)};
  if (row.invoice.starts_with('C')) {
    if (row.quantity < 0) return {LineKind::cancellation, {}};
    return {LineKind::left_out, "a cancellation that sells something"};
  }
  if (row.quantity > 0) return {LineKind::sale, {}};
  if (*row.price == 0) return {LineKind::adjustment, {}};
  return {LineKind::left_out, "a negative quantity at a price, and no cancellation: money without a sale"};
}

std::string describe(const Row& row) {
  return std::to_string(row.quantity) + " × " + row.stock_code + " at " + row.price_text;
}

std::optional<std::int64_t> amount_of(const Row& row) {
  if (!row.price) return std::nullopt;
  const std::int64_t price = std::abs(*row.price);
  if (price != 0 && std::abs(row.quantity) > most_line_pence / price) return std::nullopt;
  return row.quantity * *row.price;
}

std::string sku_at_price(const std::string& stock_code, std::int64_t pence) { return stock_code + "@" + pounds(pence); }

}  // namespace everfold::load
