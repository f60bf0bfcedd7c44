#include "runtime/log/position_token.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace everfold {
namespace {

constexpr std::size_t max_logs = 1000;

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0) return std::nullopt;
  return value;
}

bool is_context_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

std::optional<WantedPosition> one_position(std::string_view part) {
  const auto colon = part.find(':');
  const auto dot = part.substr(0, colon).find('.');
  if (colon == std::string_view::npos || dot == std::string_view::npos) return std::nullopt;
  const auto context = part.substr(0, dot);
  const auto shard = number<int>(part.substr(dot + 1, colon - dot - 1));
  const auto offset = number<int64_t>(part.substr(colon + 1));
  if (!is_context_name(context) || !shard || !offset) return std::nullopt;
  return WantedPosition{{std::string(context), *shard}, *offset};
}

Rejection not_a_token() {
  return reject(Code::malformed,
                "Everfold-Position is not a position: send back the header of a command's answer as it came");
}

}  // namespace

Decided<WantedPositions> parse_position(std::string_view token) {
  WantedPositions wanted;
  while (!token.empty()) {
    const auto comma = token.find(',');
    auto position = one_position(token.substr(0, comma));
    if (!position || wanted.size() == max_logs) return not_a_token();
    wanted.push_back(std::move(*position));
    if (comma == std::string_view::npos) break;
    token.remove_prefix(comma + 1);
    if (token.empty()) return not_a_token();
  }
  return wanted;
}

}  // namespace everfold
