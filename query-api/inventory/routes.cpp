#include "query-api/inventory/routes.hpp"

#include "projections/inventory/stock.hpp"
#include "query-api/http/lists.hpp"
#include "query-api/http/rows.hpp"
#include "query-api/inventory/stock_log.hpp"

namespace everfold::query {
namespace {

using inventory::Stock;
using Row = Stock::Row;
using inventory::v1::StockLogEntry;

// A storefront shows what is available.
bool readable(const Caller&, const Row&) { return true; }

constexpr std::string_view sortable[] = {"sku", "available", "onHand"};

std::string sort_key_of(const Row& row, std::size_t by) {
  if (by == 0) return row.sku();
  return sort_key(by == 1 ? row.available() : row.on_hand());
}

Answer list(const Read& read) {
  Parameters parameters(read.request);
  const auto page = Page::of(parameters);
  const auto order = Order::of(parameters, sortable, {0, false});
  const auto fields = Fields::of(parameters, *Row::descriptor());
  const auto low = parameters.flag("low");
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  return list_of<Row>(read.view, page, order, fields, [&](PageOfMatches& matches) {
    read.view.rows({}, {}, [&](std::string_view key, std::string_view bytes) {
      const auto row = parsed_row<Row>(key, bytes);
      if (!low || row.low() == *low) matches.offer(sort_key_of(row, order.by), key);
      return true;
    });
  });
}

Answer log(const Read& read) {
  if (auto refusal = needs_staff(read.caller)) return *std::move(refusal);  // it names orders
  Parameters parameters(read.request);
  const auto page = Page::of(parameters);
  const auto fields = Fields::of(parameters, *StockLogEntry::descriptor());
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  const auto& sku = read.request.param("sku");
  const auto total = newest_version(read.view, Stock::context, sku);
  if (total == 0) return reject(Code::not_found, "there is no stock of " + sku);
  std::vector<std::string> items;
  const auto newest = total - static_cast<int64_t>(page.first());
  const auto end = newest - static_cast<int64_t>(page.size);
  for (auto version = newest; version > std::max<int64_t>(end, 0); --version) {
    const auto key = history::history_key(Stock::context, sku, version);
    if (const auto row = stored_row<history::v1::HistoryRow>(read.view, key))
      items.push_back(json::to_json(stock_log_entry(*row), fields.names()));
  }
  return list_response(items, page, static_cast<std::size_t>(total));
}

}  // namespace

void add_inventory_routes(ReadRoutes& routes) {
  routes.add("/api/inventory", {std::string(Stock::name), ReadStep::Work::scan, list});
  add_row_route(routes,
                RowResource<Stock>{.pattern = "/api/inventory/{sku}", .noun = "stock of", .readable = readable});
  routes.add("/api/inventory/{sku}/log", {std::string(history::History::name), ReadStep::Work::scan, log});
}

}  // namespace everfold::query
