// Checks of a command's fields that several contexts share. Everything that is wrong is told at once, each under the
// field's name in the HTTP body ("price.amount"). Texts are valid UTF-8 already: Protobuf and the edge see to that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold {

// 1 to 64 printable ASCII characters without '/', no space at either end: it stands in a path.
bool valid_sku(std::string_view sku);

// The largest quantity of one command or one line.
inline constexpr int64_t max_quantity = 1'000'000'000;

class FieldCheck {
 public:
  FieldCheck& that(bool holds, std::string_view field, std::string_view message);
  FieldCheck& sku(std::string_view field, std::string_view sku);
  FieldCheck& number(std::string_view field, int64_t value, int64_t min, int64_t max);
  // An amount of at least `min` minor units, in a currency that is in use.
  FieldCheck& money(std::string_view field, int64_t amount, std::string_view currency, int64_t min);
  FieldCheck& currency(std::string_view field, std::string_view currency);
  // Up to `max` characters (code points) on one line: no control characters.
  FieldCheck& text(std::string_view field, std::string_view value, std::size_t max);
  // The same, and something other than spaces.
  FieldCheck& required_text(std::string_view field, std::string_view value, std::size_t max);
  // The same as text(), but line breaks and tabs may be in it.
  FieldCheck& long_text(std::string_view field, std::string_view value, std::size_t max);

  // Code::validation_failed; nothing when every check held.
  std::optional<Rejection> rejection() const;

 private:
  std::vector<FieldError> errors_;
};

// A refusal by the state of the aggregate that is about one field of the command.
inline Rejection reject_about(Code code, std::string field, std::string message) {
  Rejection r{code, message, {}};
  r.details.push_back({std::move(field), std::move(message)});
  return r;
}

}  // namespace everfold
