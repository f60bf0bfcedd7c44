// Text for people in a terminal: columns, numbers, bars. Widths are in characters (code points).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::replay {

std::size_t characters(std::string_view utf8);
std::string padded(std::string_view text, std::size_t width);       // spaces behind
std::string shortened(std::string_view text, std::size_t width);    // with "…" at its end when it is longer
std::string grouped(int64_t number);                                // 1,234,567
std::string bytes_text(double bytes);                               // "1.2 MB"
std::string bar(double part, double whole, std::size_t width);      // eighths of a block: "███▌"
std::string sparkline(const std::vector<int64_t>& values);          // "▁▂▇█", one character a value
std::size_t terminal_width(int descriptor, std::size_t otherwise);  // of standard output …

}  // namespace everfold::replay
