#include "kernel/fields.hpp"

#include <algorithm>
#include <cstddef>

#include "kernel/money.hpp"

namespace everfold {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// C0, DEL and C1 (U+0080 to U+009F, in UTF-8 0xc2 and the code itself).
bool control_at(std::string_view utf8, std::size_t at) {
  const unsigned char c = byte_at(utf8, at);
  if (c < 0x20 || c == 0x7f) return true;
  return c == 0xc2 && at + 1 < utf8.size() && byte_at(utf8, at + 1) < 0xa0;
}

bool has_control(std::string_view utf8, std::string_view allowed) {
  for (std::size_t at = 0; at < utf8.size(); ++at)
    if (control_at(utf8, at) && allowed.find(utf8[at]) == allowed.npos) return true;
  return false;
}

std::string at_most(std::size_t max) { return "must have at most " + std::to_string(max) + " characters"; }

}  // namespace

bool valid_sku(std::string_view sku) {
  if (sku.empty() || sku.size() > 64 || sku.front() == ' ' || sku.back() == ' ') return false;
  return std::all_of(sku.begin(), sku.end(), [](char c) { return c >= 0x20 && c <= 0x7e && c != '/'; });
}

FieldCheck& FieldCheck::that(bool holds, std::string_view field, std::string_view message) {
  if (!holds) errors_.push_back({std::string(field), std::string(message)});
  return *this;
}

FieldCheck& FieldCheck::sku(std::string_view field, std::string_view sku) {
  return that(valid_sku(sku), field,
              "must be 1 to 64 printable ASCII characters without '/' and without spaces at its ends");
}

FieldCheck& FieldCheck::number(std::string_view field, int64_t value, int64_t min, int64_t max) {
  return that(value >= min && value <= max, field,
              "must be between " + std::to_string(min) + " and " + std::to_string(max));
}

FieldCheck& FieldCheck::money(std::string_view field, int64_t amount, std::string_view currency_code, int64_t min) {
  const std::string name(field);
  return number(name + ".amount", amount, min, max_amount).currency(name + ".currency", currency_code);
}

FieldCheck& FieldCheck::currency(std::string_view field, std::string_view code) {
  return that(minor_digits(code).has_value(), field, "must be an ISO 4217 currency code in use, such as USD");
}

FieldCheck& FieldCheck::text(std::string_view field, std::string_view value, std::size_t max) {
  return that(characters(value) <= max, field, at_most(max))
      .that(!has_control(value, ""), field, "must not contain control characters");
}

FieldCheck& FieldCheck::required_text(std::string_view field, std::string_view value, std::size_t max) {
  return that(value.find_first_not_of(' ') != value.npos, field, "must not be empty").text(field, value, max);
}

FieldCheck& FieldCheck::long_text(std::string_view field, std::string_view value, std::size_t max) {
  return that(characters(value) <= max, field, at_most(max))
      .that(!has_control(value, "\t\r\n"), field,
            "must not contain control characters other than line breaks and tabs");
}

std::optional<Rejection> FieldCheck::rejection() const {
  if (errors_.empty()) return std::nullopt;
  return Rejection{Code::validation_failed, errors_.front().field + " " + errors_.front().message, errors_};
}

}  // namespace everfold
