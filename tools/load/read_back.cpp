#include "tools/load/read_back.hpp"

#include <boost/outcome/try.hpp>

#include "tools/load/shop.hpp"

namespace everfold::load {
namespace {

constexpr std::chrono::milliseconds pause_between_reads{200};

std::string text(const Json& json, const char* name) {
  return json.is_object() && json.contains(name) && json[name].is_string() ? json[name].get<std::string>()
                                                                           : std::string();
}

std::int64_t number(const Json& json, const char* name) {
  return json.is_object() && json.contains(name) && json[name].is_number_integer() ? json[name].get<std::int64_t>() : 0;
}

// An amount in another currency is as wrong as a number can be.
std::int64_t pence(const Json& json, const char* name) {
  constexpr std::int64_t wrong_currency = -1;
  if (!json.is_object() || !json.contains(name)) return 0;
  return text(json[name], "currency") == "GBP" ? number(json[name], "amount") : wrong_currency;
}

void count(StockFigures& figures, const std::string& type, std::int64_t quantity) {
  if (type == "RECEIVED") figures.received += quantity;
  if (type == "ADJUSTED") figures.adjusted += quantity;
  if (type == "RETURNED") figures.returned += quantity;
  if (type == "RESERVED") figures.reserved += quantity;
  if (type == "RELEASED") figures.reserved -= quantity;
  if (type == "COMMITTED") {
    figures.sold += quantity;
    figures.reserved -= quantity;
  }
}

}  // namespace

bool ReadBack::try_again() {
  return std::chrono::steady_clock::now() + pause_between_reads < deadline_ &&
         api_.stop().sleep_for(pause_between_reads);
}

Result<OrderFigures> ReadBack::read_order(const Entry& entry) {
  BOOST_OUTCOME_TRY(order, api_.get(staff(), "/api/orders/" + percent_encode(entry.order_id)));
  OrderFigures figures;
  figures.status = text(order.body, "status");
  figures.customer = text(order.body, "customerId");
  figures.sum.pence = pence(order.body, "total");
  if (order.body.contains("lines")) {
    for (const auto& line : order.body["lines"]) figures.sum.units += number(line, "quantity");
  }
  if (entry.payment_id.empty()) return figures;
  BOOST_OUTCOME_TRY(payment, api_.get(staff(), "/api/payments/" + percent_encode(entry.payment_id)));
  figures.captured = pence(payment.body, "captured");
  figures.refunded = pence(payment.body, "refunded");
  return figures;
}

Result<ReadBack::Order> ReadBack::order(const Invoice& invoice, const Entry& entry, const OrderFigures& expected) {
  while (true) {
    BOOST_OUTCOME_TRY(figures, read_order(entry));
    auto found = differences(invoice.number, expected, figures);
    if (found.empty() || !try_again()) return Order{std::move(figures), std::move(found)};
  }
}

// The log tells who moved what; the levels of the stock must be what it adds up to.
Result<ReadBack::Log> ReadBack::read_log(const std::string& sku, const std::set<std::string>& order_ids,
                                         const std::string& run_id) {
  const auto path = "/api/inventory/" + percent_encode(sku);
  Log log;
  StockFigures all;
  std::int64_t total = 0;
  std::int64_t read = 0;
  for (int page = 1; page == 1 || read < total; ++page) {
    BOOST_OUTCOME_TRY(answer, api_.get(staff(), path + "/log?pageSize=100&page=" + std::to_string(page)));
    if (!answer.body.is_object() || !answer.body.contains("items"))
      return Failure{0, "UnexpectedAnswer", "a stock log without items"};
    if (page == 1) total = number(answer.body, "totalCount");
    if (answer.body["items"].empty()) break;
    for (const auto& entry : answer.body["items"]) {
      ++read;
      const auto order = text(entry, "orderId");
      const bool own = order.empty() ? text(entry, "reference").starts_with(run_id + " ") ||
                                           text(entry, "reason").find("(" + run_id + " ") != std::string::npos
                                     : order_ids.contains(order);
      count(all, text(entry, "type"), number(entry, "quantity"));
      if (own) count(log.own, text(entry, "type"), number(entry, "quantity"));
    }
  }
  BOOST_OUTCOME_TRY(stock, api_.get(staff(), path));
  const auto flaw = [&](const char* what, std::int64_t level, std::int64_t sum) {
    if (level == sum) return;
    log.flaws.push_back("stock of " + sku + ": " + what + " " + std::to_string(level) + ", but its log adds up to " +
                        std::to_string(sum));
  };
  flaw("version", number(stock.body, "version"), total);
  flaw("on hand", number(stock.body, "onHand"), all.on_hand());
  flaw("reserved", number(stock.body, "reserved"), all.reserved);
  return log;
}

Result<std::vector<std::string>> ReadBack::stock(const std::string& sku, const StockFigures& expected,
                                                 const std::set<std::string>& order_ids, const std::string& run_id) {
  while (true) {
    BOOST_OUTCOME_TRY(log, read_log(sku, order_ids, run_id));
    auto found = differences(sku, expected, log.own);
    found.insert(found.end(), log.flaws.begin(), log.flaws.end());
    if (!found.empty() && try_again()) continue;
    return found;
  }
}

}  // namespace everfold::load
