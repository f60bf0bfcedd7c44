#include "tools/load/plan.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "tools/load/cancellations.hpp"
#include "tools/load/lines.hpp"

namespace everfold::load {
namespace {

struct Line {
  const Row* row = nullptr;
  LineMeaning meaning;
  bool is(LineKind kind) const { return meaning.kind == kind; }
};

// The lines of one invoice.
using Group = std::vector<Line>;

std::vector<Group> group_by_invoice(const std::vector<Row>& rows) {
  std::vector<Group> groups;
  std::map<std::string_view, std::size_t> places;
  for (const auto& row : rows) {
    const auto [place, is_new] = places.try_emplace(row.invoice, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back({&row, meaning_of(row)});
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.front().row->date < b.front().row->date; });
  return groups;
}

void refuse_too_large_cart(Group& group) {
  std::set<std::pair<std::string_view, std::int64_t>> articles;
  for (const auto& line : group) {
    if (line.is(LineKind::sale)) articles.emplace(line.row->stock_code, *line.row->price);
  }
  if (articles.size() <= most_cart_lines) return;
  for (auto& line : group) {
    if (line.is(LineKind::sale)) {
      line.meaning = {LineKind::left_out, "its invoice has more than 1,000 articles, and a cart ends there"};
    }
  }
}

// Counts values; the first seen wins among equals.
template <class Value>
class Tally {
 public:
  void add(const Value& value) { ++counts_.try_emplace(value, Count{0, counts_.size()}).first->second.times; }
  std::optional<Value> most_frequent() const {
    const auto best = std::max_element(counts_.begin(), counts_.end(), [](const auto& a, const auto& b) {
      return a.second.times != b.second.times ? a.second.times < b.second.times : a.second.place > b.second.place;
    });
    return best == counts_.end() ? std::nullopt : std::optional(best->first);
  }

 private:
  struct Count {
    std::size_t times = 0;
    std::size_t place = 0;  // of its first appearance among the values
  };
  std::map<Value, Count> counts_;
};

struct Article {
  Tally<std::string> names;
  Tally<std::int64_t> prices;      // positive ones of sales
  std::set<std::int64_t> sold_at;  // 0 too
  std::int64_t usual_price() const { return prices.most_frequent().value_or(0); }
};
using Articles = std::map<std::string, Article>;

Articles learn_articles(const std::vector<Group>& groups) {
  Articles articles;
  for (const auto& group : groups) {
    for (const auto& line : group) {
      const auto& row = *line.row;
      if (!line.is(LineKind::sale) && !line.is(LineKind::adjustment)) continue;
      auto& article = articles[row.stock_code];
      // "damages" and "?" are said of adjustments; they name nothing.
      if (line.is(LineKind::adjustment)) continue;
      if (!row.description.empty()) article.names.add(row.description);
      if (*row.price > 0) article.prices.add(*row.price);
      article.sold_at.insert(*row.price);
    }
  }
  return articles;
}

class Planner {
 public:
  explicit Planner(const Articles& articles) {
    for (const auto& [stock_code, article] : articles) add_products(stock_code, article);
  }

  void add(const Group& group) {
    const Row& first = *group.front().row;
    Invoice invoice;
    invoice.number = first.invoice;
    invoice.customer = first.customer;
    invoice.date = first.date;
    for (const auto& line : group) add_line(invoice, line);
    give_back(invoice, group);
    invoice.kind = class_of(invoice, group);
    if (invoice.kind == InvoiceClass::order) open_.add(plan_.invoices.size(), invoice);
    plan_.invoices.push_back(std::move(invoice));
  }

  void add_unreadable(const std::vector<BadRow>& bad) {
    std::set<std::string> known{""};
    for (const auto& invoice : plan_.invoices) known.insert(invoice.number);
    for (const auto& row : bad) {
      if (!known.insert(row.invoice).second) continue;
      Invoice invoice;
      invoice.number = row.invoice;
      plan_.invoices.push_back(std::move(invoice));
    }
  }

  Plan take() { return std::move(plan_); }

 private:
  void add_products(const std::string& stock_code, const Article& article) {
    const auto usual = article.usual_price();
    auto prices = article.sold_at;
    prices.insert(usual);  // a code that was only adjusted has stock all the same
    for (const auto price : prices) {
      Product product;
      product.stock_code = stock_code;
      product.sku = price == usual ? stock_code : sku_at_price(stock_code, price);
      product.name = article.names.most_frequent().value_or(stock_code);
      product.price = price;
      product.on_sale = article.sold_at.contains(price);
      plan_.product_of.emplace(std::pair(stock_code, price), plan_.products.size());
      if (price == usual) usual_.emplace(stock_code, plan_.products.size());
      plan_.products.push_back(std::move(product));
    }
  }

  void add_line(Invoice& invoice, const Line& line) {
    const Row& row = *line.row;
    switch (line.meaning.kind) {
      case LineKind::sale: {
        const auto product = plan_.product_of.at({row.stock_code, *row.price});
        plan_.products[product].to_receive += row.quantity;
        invoice.sales.push_back({product, row.quantity, row.line});
        return;
      }
      case LineKind::adjustment: {
        const auto product = usual_.at(row.stock_code);
        plan_.products[product].to_receive -= row.quantity;
        invoice.adjustments.push_back(
            {product, row.quantity, row.description.empty() ? "adjustment" : row.description, row.line});
        return;
      }
      case LineKind::cancellation:
        return;  // all of an invoice's together: give_back
      case LineKind::left_out:
        leave_out(row, line.meaning.reason);
        return;
    }
  }

  void give_back(Invoice& invoice, const Group& group) {
    std::vector<GivenBack> goods;
    std::vector<std::vector<const Row*>> rows_of;  // of each of the goods
    for (const auto& line : group) {
      if (!line.is(LineKind::cancellation)) continue;
      const auto product = plan_.product_of.find({line.row->stock_code, *line.row->price});
      if (product == plan_.product_of.end()) {
        leave_out(*line.row, no_match);
        continue;
      }
      const auto known = std::find_if(goods.begin(), goods.end(),
                                      [&](const GivenBack& one) { return one.product == product->second; });
      const auto place = static_cast<std::size_t>(known - goods.begin());
      if (known == goods.end()) {
        goods.push_back({product->second, 0});
        rows_of.emplace_back();
      }
      goods[place].quantity -= line.row->quantity;
      rows_of[place].push_back(line.row);
    }
    if (goods.empty()) return;
    auto match = open_.give_back(invoice.customer, goods, plan_.products);
    for (const auto place : match.unmatched) {
      for (const Row* row : rows_of[place]) leave_out(*row, no_match);
    }
    invoice.returns = std::move(match.returns);
    if (match.whole) invoice.kind = InvoiceClass::whole_cancellation;
  }

  static InvoiceClass class_of(const Invoice& invoice, const Group& group) {
    if (!invoice.sales.empty()) return InvoiceClass::order;
    if (!invoice.adjustments.empty()) return InvoiceClass::adjustment;
    if (invoice.kind == InvoiceClass::whole_cancellation) return invoice.kind;
    if (!invoice.returns.empty()) return InvoiceClass::part_cancellation;
    const bool gives_back =
        std::any_of(group.begin(), group.end(), [](const Line& line) { return line.is(LineKind::cancellation); });
    return gives_back ? InvoiceClass::unmatched_cancellation : InvoiceClass::not_representable;
  }

  void leave_out(const Row& row, std::string reason) {
    plan_.left_out.push_back({row.line, row.invoice, describe(row), std::move(reason), amount_of(row)});
  }

  static constexpr const char* no_match = "older than the file, or no order of this customer has it at this price";

  Plan plan_;
  std::map<std::string, std::size_t> usual_;  // stock code → the product at its usual price
  OpenSales open_;
};

}  // namespace

Plan make_plan(const SalesFile& file) {
  auto groups = group_by_invoice(file.rows);
  for (auto& group : groups) refuse_too_large_cart(group);
  Planner planner(learn_articles(groups));
  for (const auto& group : groups) planner.add(group);
  planner.add_unreadable(file.bad);
  return planner.take();
}

}  // namespace everfold::load
