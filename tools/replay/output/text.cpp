#include "tools/replay/output/text.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "platform/json/utf8.hpp"

namespace everfold::replay {
namespace {

constexpr std::array<std::string_view, 8> eighths{"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
constexpr std::array<std::string_view, 8> heights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

// Bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (count-- > 0 && at < text.size()) at += std::max<std::size_t>(json::utf8_sequence_length(text, at), 1);
  return at;
}

}  // namespace

std::size_t characters(std::string_view utf8) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < utf8.size(); ++count)
    at += std::max<std::size_t>(json::utf8_sequence_length(utf8, at), 1);
  return count;
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t has = characters(text);
  return std::string(text) + std::string(width > has ? width - has : 0, ' ');
}

std::string shortened(std::string_view text, std::size_t width) {
  if (text.size() <= width || characters(text) <= width) return std::string(text);
  return std::string(text.substr(0, bytes_of(text, width > 0 ? width - 1 : 0))) + "…";
}

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const std::ptrdiff_t first = number < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1'000 && unit + 1 < units.size(); ++unit) bytes /= 1'000;
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text.data();
}

std::string bar(double part, double whole, std::size_t width) {
  if (whole <= 0 || part <= 0) return "";
  const auto filled =
      static_cast<std::size_t>(std::lround(std::min(part / whole, 1.0) * static_cast<double>(width) * 8));
  std::string out;
  for (std::size_t i = 0; i < filled / 8; ++i) out += eighths.back();
  if (filled % 8 > 0) out += eighths[filled % 8 - 1];
  return filled == 0 ? std::string(eighths.front()) : out;  // what is there is seen
}

std::string sparkline(const std::vector<int64_t>& values) {
  const int64_t most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::string out;
  for (const int64_t value : values)
    out +=
        value <= 0
            ? " "
            : heights[static_cast<std::size_t>((static_cast<double>(value) / static_cast<double>(most)) * 7.0 + 0.5)];
  return out;
}

std::size_t terminal_width(int descriptor, std::size_t otherwise) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : otherwise;
}

}  // namespace everfold::replay
