#include "tools/load/sums.hpp"

#include <set>

#include "tools/load/lines.hpp"

namespace everfold::load {

// Groups nothing, merges nothing, knows no products: it shares with the plan only what one line means.
FileSums sums_of(const std::vector<Row>& rows) {
  std::map<std::string, std::set<std::pair<std::string, std::int64_t>>> articles;
  for (const auto& row : rows) {
    if (meaning_of(row).kind == LineKind::sale) articles[row.invoice].emplace(row.stock_code, *row.price);
  }
  FileSums sums;
  for (const auto& row : rows) {
    const auto amount = amount_of(row);
    sums.net_pence += amount.value_or(0);
    switch (meaning_of(row).kind) {
      case LineKind::sale: {
        if (articles[row.invoice].size() > 1'000) break;  // no cart holds it
        auto& invoice = sums.sold[row.invoice];
        invoice.units += row.quantity;
        invoice.pence += *amount;
        break;
      }
      case LineKind::cancellation: {
        auto& invoice = sums.given_back[row.invoice];
        invoice.units -= row.quantity;
        invoice.pence -= *amount;
        break;
      }
      case LineKind::adjustment:
      case LineKind::left_out:
        break;
    }
  }
  return sums;
}

Sum FileSums::total_sold() const {
  Sum total;
  for (const auto& [invoice, sum] : sold) {
    total.units += sum.units;
    total.pence += sum.pence;
  }
  return total;
}

}  // namespace everfold::load
