// The lines of an "Online Retail" file: one line of one invoice each. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold::load {

using Seconds = std::chrono::sys_seconds;

struct Row {
  std::size_t line = 0;  // in the file, from 1 (the header is 1)
  std::string invoice;
  std::string stock_code;   // as it is written: "85123a" is another than "85123A"
  std::string description;  // without spaces at its ends; may be empty
  std::int64_t quantity = 0;
  Seconds date{};
  std::string price_text;             // as it is written, for people
  std::optional<std::int64_t> price;  // pence; nothing: finer than a penny
  std::string customer;               // empty: a guest
};

struct BadRow {
  std::size_t line = 0;
  std::string invoice;  // empty: unknown
  std::string reason;   // with the remedy
};

struct SalesFile {
  std::vector<Row> rows;
  std::vector<BadRow> bad;
};

// `text` in UTF-8 or Latin-1. Columns are found by their names, in any order: InvoiceNo (or Invoice), StockCode,
// Description, Quantity, InvoiceDate, UnitPrice (or Price), CustomerID (or "Customer ID"); others are passed over.
// Refused: a header without one of them. Lines that can't be read are in `bad`.
Decided<SalesFile> read_sales(std::string text);

// "2010-12-01T08:26:00", "2010-12-01 08:26", or as the original file writes it, month first: "12/1/2010 8:26".
std::optional<Seconds> parse_date(std::string_view text);

struct Price {
  std::optional<std::int64_t> pence;  // nothing: a fraction of a penny is left over
};
// A decimal number such as "2.55", "165" or "-0.5", taken as pounds, without going through floating point. Nothing: it
// isn't one, or is beyond 10 billion pounds.
std::optional<Price> parse_price(std::string_view text);

// "12.34" of 1234, "-0.05" of -5.
std::string pounds(std::int64_t pence);

}  // namespace everfold::load
