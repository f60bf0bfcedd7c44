// Money: integer minor units and an ISO 4217 currency. Sums and products are checked; nothing is ever rounded silently.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace everfold {

// Digits after the decimal point (USD 2, JPY and VND 0, KWD 3); nothing for what is not an active ISO 4217 currency code.
std::optional<int> minor_digits(std::string_view currency);

// The largest amount accepted in a price or a total: 10^15 minor units, far below where int64 sums overflow.
inline constexpr int64_t max_amount = 1'000'000'000'000'000;

// Nothing when the result would leave [-max_amount, max_amount].
std::optional<int64_t> add_amounts(int64_t a, int64_t b);
std::optional<int64_t> multiply_amount(int64_t amount, int64_t quantity);

// Splits `amount` (≥ 0) by `weights` (≥ 0, not all 0) with the largest remainder method; ties go to the earlier part.
// The parts add up to the amount exactly.
std::vector<int64_t> split_amount(int64_t amount, const std::vector<int64_t>& weights);

}  // namespace everfold
