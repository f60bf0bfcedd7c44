// A fuzz target is one function. What must hold whatever the input is said with check(): a breach ends the program, and
// whoever runs it (libFuzzer, or replay.cpp) has the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>

#include "kernel/check.hpp"

namespace everfold::fuzz {

void try_input(std::string_view input);  // each target defines it

// The same for the same input: where it is cut, what is mixed in. So that the input itself can stay plain text.
inline std::mt19937 random_of(std::string_view input) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (const char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return std::mt19937(hash);
}

// Takes the text before the separator off the front of `rest`; all of it when there is none.
inline std::string_view take_until(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

}  // namespace everfold::fuzz
