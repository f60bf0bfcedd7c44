#include "tools/load/rows.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tools/load/csv.hpp"

namespace everfold::load {
namespace {

enum Column : std::size_t {
  invoice,
  stock_code,
  description,
  quantity,
  invoice_date,
  unit_price,
  customer,
  column_count
};

struct ColumnNames {
  std::string_view name;
  std::string_view other;  // what "Online Retail II" calls it
};
constexpr std::array<ColumnNames, column_count> column_names{{{"InvoiceNo", "Invoice"},
                                                              {"StockCode", "StockCode"},
                                                              {"Description", "Description"},
                                                              {"Quantity", "Quantity"},
                                                              {"InvoiceDate", "InvoiceDate"},
                                                              {"UnitPrice", "Price"},
                                                              {"CustomerID", "Customer ID"}}};
using Places = std::array<std::size_t, column_count>;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Decided<Places> find_columns(const CsvRecord& header) {
  Places places{};
  std::string missing;
  for (std::size_t column = 0; column < column_count; ++column) {
    const auto& [name, other] = column_names[column];
    const auto found = std::find_if(header.fields.begin(), header.fields.end(), [&](const std::string& field) {
      return trimmed(field) == name || trimmed(field) == other;
    });
    if (found == header.fields.end()) {
      missing += (missing.empty() ? "" : ", ") + std::string(name);
    } else {
      places[column] = static_cast<std::size_t>(found - header.fields.begin());
    }
  }
  if (!missing.empty()) {
    return reject(Code::validation_failed, "line " + std::to_string(header.line) + ": no column " + missing +
                                               "; the first line must name the columns InvoiceNo, StockCode, "
                                               "Description, Quantity, InvoiceDate, UnitPrice, CustomerID");
  }
  return places;
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Spreadsheets write 17850.0 where a number may be missing.
std::string customer_of(std::string_view text) {
  if (text.ends_with(".0")) text.remove_suffix(2);
  return std::string(text);
}

// Empty, or why the row can't be read.
std::string fill(Row& row, const CsvRecord& record, const Places& places) {
  const auto field = [&](Column column) { return trimmed(record.fields[places[column]]); };
  row.line = record.line;
  row.invoice = field(invoice);
  row.stock_code = field(stock_code);
  row.description = field(description);
  row.price_text = field(unit_price);
  row.customer = customer_of(field(customer));
  if (row.invoice.empty()) return "InvoiceNo is empty; give the invoice's number";
  if (row.stock_code.empty()) return "StockCode is empty; give the article's code";
  const auto units = parse_whole<std::int64_t>(field(quantity));
  if (!units) return "Quantity '" + std::string(field(quantity)) + "' is not a whole number; write it like 6 or -6";
  const auto date = parse_date(field(invoice_date));
  if (!date) {
    return "InvoiceDate '" + std::string(field(invoice_date)) + "' is not a time; write it like 2010-12-01T08:26:00";
  }
  const auto price = parse_price(row.price_text);
  if (!price) return "UnitPrice '" + row.price_text + "' is not an amount; write it in pounds like 2.55";
  row.quantity = *units;
  row.date = *date;
  row.price = price->pence;
  return {};
}

}  // namespace

Decided<SalesFile> read_sales(std::string text) {
  const std::string utf8 = to_utf8(std::move(text));
  CsvReader reader(utf8);
  const auto header = reader.next();
  if (!header)
    return reject(Code::validation_failed, "line 1: the file is empty; its first line must name the columns");
  if (!header->error.empty()) return reject(Code::validation_failed, "line 1: " + header->error);
  const auto places = find_columns(*header);
  if (!places) return places.error();

  SalesFile file;
  while (const auto record = reader.next()) {
    const auto bad = [&](std::string number, std::string reason) {
      file.bad.push_back({record->line, std::move(number), std::move(reason)});
    };
    const auto place = places.value()[invoice];
    const std::string number(place < record->fields.size() ? trimmed(record->fields[place]) : "");
    if (!record->error.empty()) {
      bad(number, record->error);
    } else if (record->fields.size() != header->fields.size()) {
      bad(number, std::to_string(record->fields.size()) + " fields where the header has " +
                      std::to_string(header->fields.size()) + "; quote a field that has a comma in it");
    } else {
      Row row;
      auto reason = fill(row, *record, places.value());
      if (reason.empty()) {
        file.rows.push_back(std::move(row));
      } else {
        bad(number, std::move(reason));
      }
    }
  }
  return file;
}

namespace {

// Takes the digits up to `separator` (or, for 0, the rest) off the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, char separator) {
  const auto end = separator == 0 ? text.size() : text.find(separator);
  if (end == std::string_view::npos || end == 0 || end > 4) return std::nullopt;
  const auto value = parse_whole<unsigned>(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return value;
}

std::optional<std::chrono::seconds> parse_time(std::string_view text) {
  const auto hour = take_number(text, ':');
  const bool with_seconds = text.find(':') != std::string_view::npos;
  const auto minute = take_number(text, with_seconds ? ':' : '\0');
  const auto second = with_seconds ? take_number(text, '\0') : std::optional(0u);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

}  // namespace

std::optional<Seconds> parse_date(std::string_view text) {
  const auto gap = text.find_first_of("T ");
  if (gap == std::string_view::npos) return std::nullopt;
  const auto time = parse_time(text.substr(gap + 1));
  auto date = text.substr(0, gap);
  const bool month_first = date.find('/') != std::string_view::npos;
  const char separator = month_first ? '/' : '-';
  const auto first = take_number(date, separator);
  const auto second = take_number(date, separator);
  const auto third = take_number(date, '\0');
  if (!time || !first || !second || !third) return std::nullopt;
  const unsigned year = month_first ? *third : *first;
  const unsigned month = month_first ? *first : *second;
  const unsigned day = month_first ? *second : *third;
  const std::chrono::year_month_day calendar{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                             std::chrono::day(day)};
  if (year < 1900 || !calendar.ok()) return std::nullopt;
  return Seconds(std::chrono::sys_days(calendar)) + *time;
}

std::optional<Price> parse_price(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto point = text.find('.');
  auto whole = text.substr(0, point);
  const auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  constexpr std::string_view digits = "0123456789";
  if (whole.size() + fraction.size() == 0 || whole.find_first_not_of(digits) != std::string_view::npos ||
      fraction.find_first_not_of(digits) != std::string_view::npos) {
    return std::nullopt;
  }
  while (whole.starts_with('0')) whole.remove_prefix(1);
  if (whole.size() > 10) return std::nullopt;

  std::int64_t pence = 0;
  for (const char digit : whole) pence = pence * 10 + (digit - '0');
  for (std::size_t place = 0; place < 2; ++place) {
    pence = pence * 10 + (place < fraction.size() ? fraction[place] - '0' : 0);
  }
  const bool exact = fraction.find_first_not_of('0', 2) == std::string_view::npos;
  if (!exact) return Price{};
  return Price{negative ? -pence : pence};
}

std::string pounds(std::int64_t pence) {
  const std::int64_t size = pence < 0 ? -pence : pence;
  const auto rest = std::to_string(size % 100);
  return (pence < 0 ? "-" : "") + std::to_string(size / 100) + (rest.size() < 2 ? ".0" : ".") + rest;
}

}  // namespace everfold::load
