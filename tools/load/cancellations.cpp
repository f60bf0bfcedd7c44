#include "tools/load/cancellations.hpp"

#include <algorithm>
#include <utility>

namespace everfold::load {

void OpenSales::add(std::size_t order, const Invoice& invoice) {
  if (invoice.customer.empty()) return;  // a guest can't be recognized
  Order open{order, false, {}};
  for (const auto& sale : invoice.sales) open.left[sale.product] += sale.quantity;
  orders_[invoice.customer].push_back(std::move(open));
}

bool OpenSales::covers(const Order& order, const GivenBack& goods) {
  const auto left = order.left.find(goods.product);
  return left != order.left.end() && left->second >= goods.quantity;
}

Match OpenSales::give_back(const std::string& customer, const std::vector<GivenBack>& goods,
                           const std::vector<Product>& products) {
  Match match;
  auto& orders = orders_[customer];
  const auto covers_all = std::find_if(orders.rbegin(), orders.rend(), [&](const Order& order) {
    return std::all_of(goods.begin(), goods.end(), [&](const GivenBack& one) { return covers(order, one); });
  });
  for (std::size_t place = 0; place < goods.size(); ++place) {
    const auto& one = goods[place];
    const auto order = covers_all != orders.rend() ? covers_all
                                                   : std::find_if(orders.rbegin(), orders.rend(),
                                                                  [&](const Order& each) { return covers(each, one); });
    if (order == orders.rend()) {
      match.unmatched.push_back(place);
      continue;
    }
    match.returns.push_back({order->index, one.product, one.quantity, one.quantity * products[one.product].price});
  }
  if (covers_all != orders.rend()) {
    match.whole = !covers_all->touched && covers_all->left.size() == goods.size() &&
                  std::all_of(goods.begin(), goods.end(),
                              [&](const GivenBack& one) { return covers_all->left.at(one.product) == one.quantity; });
  }
  for (const auto& given : match.returns) {
    const auto order =
        std::find_if(orders.begin(), orders.end(), [&](const Order& each) { return each.index == given.order; });
    order->touched = true;
    order->left[given.product] -= given.quantity;
  }
  return match;
}

}  // namespace everfold::load
