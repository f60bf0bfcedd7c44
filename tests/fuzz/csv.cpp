// Sales files as everfold-load reads them: the CSV rules, then the rows.
#include "tools/load/csv.hpp"

#include <algorithm>

#include "platform/json/utf8.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tools/load/rows.hpp"

namespace everfold::fuzz {
namespace {

using Records = std::vector<std::vector<std::string>>;

std::string written(const Records& records) {
  std::string text;
  for (const auto& fields : records) {
    for (const auto& field : fields) {
      text += '"';
      for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
      text += "\",";
    }
    text.back() = '\n';
  }
  return text;
}

Records read(std::string_view text) {
  const auto lines = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  load::CsvReader reader(text);
  Records records;
  std::size_t line = 0;
  while (auto record = reader.next()) {
    check(record->line > line && record->line <= lines, "a record is on no line of its own");
    line = record->line;
    check(!record->error.empty() || !record->fields.empty(), "a record has neither fields nor an error");
    if (record->error.empty()) records.push_back(std::move(record->fields));
  }
  check(!reader.next(), "there is a record behind the end");
  return records;
}

void check_row(const load::Row& row) {
  check(!row.invoice.empty() && !row.stock_code.empty(), "a row is accepted without its keys");
  if (!row.price) return;
  const auto again = load::parse_price(load::pounds(*row.price));
  check(again && again->pence == row.price, "a price is not what it is written as");
}

}  // namespace

void try_input(std::string_view input) {
  const auto utf8 = load::to_utf8(std::string(input));
  check(json::is_utf8(utf8), "what to_utf8 gives is none");
  const auto records = read(utf8);
  check(read(written(records)) == records, "records are not read as they are written");
  const auto sales = load::read_sales(std::string(input));
  if (!sales) return;
  for (const auto& row : sales.value().rows) check_row(row);
  for (const auto& bad : sales.value().bad) check(!bad.reason.empty(), "a row is refused without a reason");
}

}  // namespace everfold::fuzz
