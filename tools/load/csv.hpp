// Comma separated values as RFC 4180 has them: fields may be quoted, a quote inside is doubled, a quoted field may hold
// commas and line breaks. Lines end with LF or CRLF. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::load {

struct CsvRecord {
  std::size_t line = 0;  // where the record begins, from 1
  std::vector<std::string> fields;
  std::string error;  // why it can't be read; empty: it could. Reading goes on behind it.
};

// Reads records one after the other; the text must outlive the reader. Empty lines are passed over.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}
  std::optional<CsvRecord> next();

 private:
  bool read_field(CsvRecord& record);  // false: it was the record's last
  bool read_quoted(CsvRecord& record);
  bool at_line_end() const;
  void skip_line_end();
  void skip_line();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

// UTF-8 stays what it is (less a byte order mark); anything else is taken for Latin-1, as the original file is.
std::string to_utf8(std::string text);

}  // namespace everfold::load
