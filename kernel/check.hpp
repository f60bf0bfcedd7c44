// An impossible state stops the program with a sentence: going on would write lies into the log.
#pragma once

#include <string_view>

namespace everfold {

[[noreturn]] void fail(std::string_view sentence);

inline void check(bool holds, std::string_view sentence) {
  if (!holds) [[unlikely]] fail(sentence);
}

}  // namespace everfold
