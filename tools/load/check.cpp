#include "tools/load/check.hpp"

#include "tools/load/lines.hpp"

namespace everfold::load {
namespace {

std::map<std::string, std::size_t> places_by_number(const Plan& plan) {
  std::map<std::string, std::size_t> places;
  for (std::size_t place = 0; place < plan.invoices.size(); ++place) places.emplace(plan.invoices[place].number, place);
  return places;
}

// Pence that are refunded for what an invoice's cancellations took back.
void expect_cancellations(Expected& expected, const Plan& plan, const std::vector<Entry>& ledger) {
  for (std::size_t place = 0; place < plan.invoices.size(); ++place) {
    const auto& invoice = plan.invoices[place];
    if (ledger[place].outcome != Outcome::done || invoice.returns.empty()) continue;
    if (invoice.kind == InvoiceClass::whole_cancellation) {
      auto& order = expected.orders.at(invoice.returns.front().order);
      order.status = "CANCELLED";
      order.refunded = order.sum.pence;
      continue;
    }
    for (const auto& given : invoice.returns) {
      auto& order = expected.orders.at(given.order);
      order.refunded += given.amount;
      if (order.refunded > 0) order.status = order.refunded == order.sum.pence ? "REFUNDED" : "PARTIALLY_REFUNDED";
    }
  }
}

void expect_stock(Expected& expected, const Plan& plan, const SalesFile& file, const std::vector<Entry>& ledger) {
  const auto places = places_by_number(plan);
  expected.stock.resize(plan.products.size());
  for (std::size_t place = 0; place < plan.products.size(); ++place) {
    expected.stock[place].received = plan.products[place].to_receive;
  }
  for (const auto& row : file.rows) {
    const auto order = expected.orders.find(places.at(row.invoice));
    if (order == expected.orders.end() || meaning_of(row).kind != LineKind::sale) continue;
    auto& stock = expected.stock[plan.product_of.at({row.stock_code, *row.price})];
    stock.sold += row.quantity;
    if (order->second.status == "CANCELLED") stock.returned += row.quantity;
  }
  for (std::size_t place = 0; place < plan.invoices.size(); ++place) {
    if (ledger[place].outcome != Outcome::done) continue;
    const auto& invoice = plan.invoices[place];
    for (const auto& adjustment : invoice.adjustments) expected.stock[adjustment.product].adjusted += adjustment.delta;
    if (invoice.kind != InvoiceClass::part_cancellation) continue;
    for (const auto& given : invoice.returns) expected.stock[given.product].received += given.quantity;
  }
}

void compare(std::vector<std::string>& found, const std::string& of, const std::string& what, const std::string& wanted,
             const std::string& seen) {
  const auto named = [](const std::string& value) { return value.empty() ? "none" : value; };
  if (wanted != seen) found.push_back(of + ": " + what + ": " + named(seen) + ", expected " + named(wanted));
}

}  // namespace

Expected expect(const Plan& plan, const SalesFile& file, const FileSums& sums, const std::vector<Entry>& ledger) {
  Expected expected;
  for (std::size_t place = 0; place < plan.invoices.size(); ++place) {
    const auto& invoice = plan.invoices[place];
    if (invoice.kind != InvoiceClass::order || ledger[place].outcome != Outcome::done) continue;
    const auto sum = sums.sold.at(invoice.number);
    expected.orders[place] = {"CONFIRMED", invoice.customer, sum, sum.pence, 0};
  }
  expect_cancellations(expected, plan, ledger);
  expect_stock(expected, plan, file, ledger);
  return expected;
}

std::vector<std::string> differences(const std::string& invoice, const OrderFigures& expected,
                                     const OrderFigures& seen) {
  std::vector<std::string> found;
  const auto of = "invoice " + invoice;
  compare(found, of, "the order's status", expected.status, seen.status);
  compare(found, of, "its customer", expected.customer, seen.customer);
  compare(found, of, "units", std::to_string(expected.sum.units), std::to_string(seen.sum.units));
  compare(found, of, "its total", pounds(expected.sum.pence), pounds(seen.sum.pence));
  compare(found, of, "what was captured", pounds(expected.captured), pounds(seen.captured));
  compare(found, of, "what was refunded", pounds(expected.refunded), pounds(seen.refunded));
  return found;
}

std::vector<std::string> differences(const std::string& sku, const StockFigures& expected, const StockFigures& seen) {
  std::vector<std::string> found;
  const auto one = [&](const char* what, std::int64_t wanted, std::int64_t got) {
    compare(found, "stock of " + sku, what, std::to_string(wanted), std::to_string(got));
  };
  one("received", expected.received, seen.received);
  one("sold", expected.sold, seen.sold);
  one("returned", expected.returned, seen.returned);
  one("adjusted", expected.adjusted, seen.adjusted);
  one("still reserved", expected.reserved, seen.reserved);
  return found;
}

Totals totals_of_file(const FileSums& sums, const Plan& plan) {
  const auto sold = sums.total_sold();
  Totals totals{static_cast<std::int64_t>(sums.sold.size()), sold.units, sold.pence, 0};
  for (const auto& invoice : plan.invoices) {
    if (invoice.kind == InvoiceClass::whole_cancellation) {
      totals.refunded += sums.sold.at(plan.invoices[invoice.returns.front().order].number).pence;
    }
    if (invoice.kind != InvoiceClass::part_cancellation) continue;
    for (const auto& given : invoice.returns) totals.refunded += given.amount;
  }
  return totals;
}

}  // namespace everfold::load
