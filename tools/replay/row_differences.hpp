// Two readers of a view, row by row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "runtime/views.hpp"

namespace everfold::replay {

struct RowDifferences {
  int64_t compared = 0;  // keys that either has
  int64_t added = 0, lost = 0, changed = 0;

  bool none() const { return added + lost + changed == 0; }
};

// Calls `say` with each row that is not the same in `after` as in `before`; nothing: it is not there. False: enough.
using SayDifference = std::function<bool(std::string_view key, const std::optional<std::string_view>& before,
                                         const std::optional<std::string_view>& after)>;
RowDifferences compare_rows(const ViewReader& before, const ViewReader& after, const SayDifference& say);

}  // namespace everfold::replay
