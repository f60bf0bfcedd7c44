// What one line of the file means by itself. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "tools/load/rows.hpp"

namespace everfold::load {

enum class LineKind {
  sale,
  adjustment,    // goods that vanished or were found: stock only
  cancellation,  // gives goods back
  left_out,      // the API has no word for it
};

struct LineMeaning {
  LineKind kind = LineKind::left_out;
  std::string reason;  // why it is left out
};

LineMeaning meaning_of(const Row& row);

// "2 × 22752 at 8.50"
std::string describe(const Row& row);

// Price × quantity in pence, signed as in the file; nothing where it is no whole number of pence, or too large.
std::optional<std::int64_t> amount_of(const Row& row);

// "85123A@2.95"
std::string sku_at_price(const std::string& stock_code, std::int64_t pence);

// What the API can't carry: a SKU has 1 to 64 characters, stock moves by at most this many units. Amounts of a line
// stay below 10 billion pounds, so that no sum of a file can overflow.
inline constexpr std::int64_t most_units = 1'000'000'000;
inline constexpr std::int64_t most_line_pence = 1'000'000'000'000;
inline constexpr std::size_t longest_sku = 64;

}  // namespace everfold::load
