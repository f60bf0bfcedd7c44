// Asks the query API what became of this run's orders and stock. What is still on its way (a refund, a view that lags)
// gets some time to arrive.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tools/load/api.hpp"
#include "tools/load/check.hpp"

namespace everfold::load {

class ReadBack {
 public:
  // Until `deadline` figures that differ are read again.
  ReadBack(Api& api, std::chrono::steady_clock::time_point deadline) : api_(api), deadline_(deadline) {}

  struct Order {
    OrderFigures figures;
    std::vector<std::string> differences;
  };
  Result<Order> order(const Invoice& invoice, const Entry& entry, const OrderFigures& expected);

  // Only movements of `order_ids` and those whose reference or reason names `run_id` count.
  Result<std::vector<std::string>> stock(const std::string& sku, const StockFigures& expected,
                                         const std::set<std::string>& order_ids, const std::string& run_id);

 private:
  Result<OrderFigures> read_order(const Entry& entry);
  struct Log {
    StockFigures own;
    std::vector<std::string> flaws;  // where the log contradicts itself or the levels
  };
  Result<Log> read_log(const std::string& sku, const std::set<std::string>& order_ids, const std::string& run_id);
  bool try_again();

  Api& api_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace everfold::load
