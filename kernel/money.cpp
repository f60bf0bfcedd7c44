#include "kernel/money.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "kernel/check.hpp"

namespace everfold {
namespace {

__extension__ using Wide = __int128;

// ISO 4217 list one (2024-06), without funds codes, precious metals and test codes.
constexpr std::string_view two_digits =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";
constexpr std::string_view no_digits = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
constexpr std::string_view three_digits = "BHD IQD JOD KWD LYD OMR TND";

bool listed(std::string_view list, std::string_view code) {
  for (std::size_t at = 0; at + 3 <= list.size(); at += 4)
    if (list.substr(at, 3) == code) return true;
  return false;
}

std::optional<int64_t> in_range(Wide value) {
  if (value > max_amount || value < -max_amount) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace

std::optional<int> minor_digits(std::string_view currency) {
  if (currency.size() != 3) return std::nullopt;
  if (listed(two_digits, currency)) return 2;
  if (listed(no_digits, currency)) return 0;
  if (listed(three_digits, currency)) return 3;
  return std::nullopt;
}

std::optional<int64_t> add_amounts(int64_t a, int64_t b) { return in_range(static_cast<Wide>(a) + b); }
std::optional<int64_t> multiply_amount(int64_t amount, int64_t quantity) {
  return in_range(static_cast<Wide>(amount) * quantity);
}

std::vector<int64_t> split_amount(int64_t amount, const std::vector<int64_t>& weights) {
  Wide total = 0;
  for (const int64_t weight : weights) {
    check(weight >= 0, "split_amount: a weight is negative");
    total += weight;
  }
  check(amount >= 0 && total > 0, "split_amount: the amount is negative or every weight is 0");
  std::vector<int64_t> parts;
  std::vector<Wide> remainders;
  int64_t left = amount;
  for (const int64_t weight : weights) {
    const Wide scaled = static_cast<Wide>(amount) * weight;
    parts.push_back(static_cast<int64_t>(scaled / total));
    remainders.push_back(scaled % total);
    left -= parts.back();
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; left > 0; ++i, --left) ++parts[order[i]];
  return parts;
}

}  // namespace everfold
