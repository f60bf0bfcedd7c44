// Which earlier order a cancellation ("C…" invoice) gives goods back to. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/load/plan.hpp"

namespace everfold::load {

// One product that a cancellation gives back, its lines added up.
struct GivenBack {
  std::size_t product = 0;
  std::int64_t quantity = 0;
};

struct Match {
  bool whole = false;  // everything that one order sold, and nothing of it was given back before
  std::vector<Return> returns;
  std::vector<std::size_t> unmatched;  // of the goods asked for, by place
};

// Remembers what is still with the customers. Invoices must come in the order of their dates.
class OpenSales {
 public:
  void add(std::size_t order, const Invoice& invoice);

  // The latest order of the customer that covers all of it; otherwise, article by article, the latest order that has
  // enough of it left. What was matched is given back and can't be matched again.
  Match give_back(const std::string& customer, const std::vector<GivenBack>& goods,
                  const std::vector<Product>& products);

 private:
  struct Order {
    std::size_t index = 0;
    bool touched = false;
    std::map<std::size_t, std::int64_t> left;  // product → units
  };
  static bool covers(const Order& order, const GivenBack& goods);

  std::map<std::string, std::vector<Order>> orders_;  // of a customer, oldest first
};

}  // namespace everfold::load
