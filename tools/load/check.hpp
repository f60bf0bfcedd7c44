// What the system must say after the load, and whether it does. Expectations come from the file's lines; the plan is
// only asked which product a line is, and which order a cancellation belongs to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/load/ledger.hpp"
#include "tools/load/plan.hpp"
#include "tools/load/sums.hpp"

namespace everfold::load {

struct OrderFigures {
  std::string status;
  std::string customer;  // empty: a guest
  Sum sum;
  std::int64_t captured = 0;  // pence
  std::int64_t refunded = 0;
  bool operator==(const OrderFigures&) const = default;
};

// What this run moved of one SKU's stock, in units.
struct StockFigures {
  std::int64_t received = 0;  // opening stock, and goods of partial cancellations
  std::int64_t sold = 0;
  std::int64_t returned = 0;  // by cancelled orders
  std::int64_t adjusted = 0;
  std::int64_t reserved = 0;  // still
  bool operator==(const StockFigures&) const = default;
  std::int64_t on_hand() const { return received - sold + returned + adjusted; }
};

struct Expected {
  std::map<std::size_t, OrderFigures> orders;  // by place in Plan::invoices; those that were confirmed
  std::vector<StockFigures> stock;             // by place in Plan::products
};
Expected expect(const Plan& plan, const SalesFile& file, const FileSums& sums, const std::vector<Entry>& ledger);

// One sentence for each figure that differs.
std::vector<std::string> differences(const std::string& invoice, const OrderFigures& expected,
                                     const OrderFigures& seen);
std::vector<std::string> differences(const std::string& sku, const StockFigures& expected, const StockFigures& seen);

// The totals over all orders, side by side.
struct Totals {
  std::int64_t orders = 0;
  std::int64_t units = 0;
  std::int64_t revenue = 0;   // pence, of what was ordered
  std::int64_t refunded = 0;  // pence
  bool operator==(const Totals&) const = default;
};
// Refunds are those of the cancellations that were matched to orders.
Totals totals_of_file(const FileSums& sums, const Plan& plan);

struct CheckResult {
  bool made = false;  // false: the load was stopped before
  Totals file;
  Totals system;
  std::int64_t file_net = 0;      // pence, every line of the file
  std::int64_t left_out_net = 0;  // pence, lines that were not sent
  std::size_t skus = 0;
  std::vector<std::string> differences;
  // Every penny of the file was taken, given back, or is listed as not sent.
  bool net_holds() const { return file_net == system.revenue - system.refunded + left_out_net; }
  bool ok() const { return made && differences.empty() && file == system && net_holds(); }
};

}  // namespace everfold::load
