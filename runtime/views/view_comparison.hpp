// Two folds of the same logs up to the same positions, row by row and index entry by index entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/views/views.hpp"

namespace everfold {

// A view's rows or its index entries in key order, from the key `from` on ("": the first).
using Entries = std::function<void(std::string_view from, const ViewReader::Visit& visit)>;
// One of them has it, or both; false: enough.
using VisitBoth = std::function<bool(std::string_view key, const std::optional<std::string_view>& live,
                                     const std::optional<std::string_view>& rebuilt)>;
// Every key that either has, in order. False: it was enough before the end.
bool walk_both(const Entries& live, const Entries& rebuilt, const VisitBoth& visit);

struct Difference {
  ViewSnapshot::Part part = ViewSnapshot::Part::rows;
  std::string key;
  std::optional<std::string> live;     // nothing: added by the rebuild
  std::optional<std::string> rebuilt;  // nothing: lost by it
};

struct Comparison {
  struct Counts {
    int64_t compared = 0;  // keys that either has
    int64_t added = 0;
    int64_t lost = 0;
    int64_t changed = 0;
    bool same() const { return added + lost + changed == 0; }
    // True: they differ.
    bool count(const std::optional<std::string_view>& live, const std::optional<std::string_view>& rebuilt);
  };
  static constexpr std::size_t most_kept = 10'000;  // differences; all are counted

  Counts rows, index;
  std::vector<Difference> differences;
  bool same() const { return rows.same() && index.same(); }
};

// `go_on` is asked every thousand keys; nothing: it said no.
std::optional<Comparison> compare(const ViewSnapshot& live, const ViewSnapshot& rebuilt,
                                  const std::function<bool(int64_t compared)>& go_on);

}  // namespace everfold
