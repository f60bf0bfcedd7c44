// What is to be sent for a file of invoices, and what can't be. Pure: nothing is sent here.
//
// Prices: a product of the API has one price, but lines of the file sell the same article at several. So there is a
// product for each article and price: at the article's usual price (the most frequent positive one) its SKU is the
// stock code alone, at any other price "<stock code>@<price>", such as "85123A@2.95".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/load/rows.hpp"

namespace everfold::load {

struct Product {
  std::string stock_code;
  std::string sku;
  std::string name;
  std::int64_t price = 0;       // pence
  bool on_sale = true;          // false: only its stock is moved, and no product is made of it
  std::int64_t to_receive = 0;  // units that must be on hand before anything is sent
};

// A part of an invoice that is not sent.
struct LeftOut {
  std::size_t line = 0;  // in the file
  std::string invoice;
  std::string what;  // "2 × 22752 at 8.50"
  std::string reason;
  std::optional<std::int64_t> amount;  // pence, signed as in the file; nothing where it is no number of pence
};

struct Sale {
  std::size_t product = 0;  // in Plan::products
  std::int64_t quantity = 0;
  std::size_t line = 0;
};

struct Adjustment {
  std::size_t product = 0;
  std::int64_t delta = 0;
  std::string reason;
  std::size_t line = 0;
};

// Goods of an earlier order that a cancellation gives back.
struct Return {
  std::size_t order = 0;  // in Plan::invoices
  std::size_t product = 0;
  std::int64_t quantity = 0;
  std::int64_t amount = 0;  // pence
};

// Every invoice of the file is in exactly one class.
enum class InvoiceClass {
  order,                   // cart, checkout
  adjustment,              // stock adjustments only
  whole_cancellation,      // cancels one order altogether
  part_cancellation,       // refunds parts of orders and takes the goods back
  unmatched_cancellation,  // of what was bought before the file begins, or can't be found in it: nothing is sent
  not_representable,       // nothing in it that the API has a word for
  unreadable,              // every line of it is broken
};
inline constexpr std::size_t invoice_class_count = 7;

struct Invoice {
  std::string number;
  std::string customer;  // empty: a guest
  Seconds date{};
  InvoiceClass kind = InvoiceClass::unreadable;
  std::vector<Sale> sales;
  std::vector<Adjustment> adjustments;
  std::vector<Return> returns;
};

struct Plan {
  std::vector<Product> products;
  std::vector<Invoice> invoices;  // by date, then in the file's order; unreadable ones last
  std::vector<LeftOut> left_out;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> product_of;  // (stock code, pence) → products
};

Plan make_plan(const SalesFile& file);

// Carts end there; an invoice with more articles is not representable.
inline constexpr std::size_t most_cart_lines = 1'000;

}  // namespace everfold::load
