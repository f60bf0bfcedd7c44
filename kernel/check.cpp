#include "kernel/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace everfold {

void fail(std::string_view sentence) {
  std::fprintf(stderr, "everfold stops: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace everfold
