#include "runtime/view_comparison.hpp"

#include <utility>

namespace everfold {
namespace {

constexpr std::size_t chunk_keys = 1'000;

// The keys of a part one after another: a snapshot walks by itself, two of them are walked side by side.
class Walk {
 public:
  Walk(const ViewSnapshot& snapshot, ViewSnapshot::Part part) : snapshot_(snapshot), part_(part) { read(); }

  bool at_end() const { return at_ == chunk_.size(); }
  const std::string& key() const { return chunk_[at_].first; }
  std::string& value() { return chunk_[at_].second; }
  void next() {
    if (++at_ < chunk_.size() || chunk_.size() < chunk_keys) return;
    from_ = std::move(chunk_.back().first);
    from_ += '\0';  // the least key behind it
    read();
  }

 private:
  void read() {
    chunk_.clear();
    at_ = 0;
    snapshot_.walk(part_, from_, [this](std::string_view key, std::string_view value) {
      chunk_.emplace_back(key, value);
      return chunk_.size() < chunk_keys;
    });
  }

  const ViewSnapshot& snapshot_;
  const ViewSnapshot::Part part_;
  std::string from_;
  std::vector<std::pair<std::string, std::string>> chunk_;
  std::size_t at_ = 0;
};

void keep(Comparison& into, Difference difference) {
  if (into.differences.size() < Comparison::most_kept) into.differences.push_back(std::move(difference));
}

bool compare(ViewSnapshot::Part part, Comparison::Counts& counts, Comparison& into, Walk live, Walk rebuilt,
             const std::function<bool(int64_t)>& go_on) {
  while (!live.at_end() || !rebuilt.at_end()) {
    if (++counts.compared % static_cast<int64_t>(chunk_keys) == 0 && !go_on(into.rows.compared)) return false;
    const int order = live.at_end() ? 1 : rebuilt.at_end() ? -1 : live.key().compare(rebuilt.key());
    if (order < 0) {
      ++counts.lost;
      keep(into, {part, live.key(), std::move(live.value()), std::nullopt});
    } else if (order > 0) {
      ++counts.added;
      keep(into, {part, rebuilt.key(), std::nullopt, std::move(rebuilt.value())});
    } else if (live.value() != rebuilt.value()) {
      ++counts.changed;
      keep(into, {part, live.key(), std::move(live.value()), std::move(rebuilt.value())});
    }
    if (order <= 0) live.next();
    if (order >= 0) rebuilt.next();
  }
  return true;
}

}  // namespace

std::optional<Comparison> compare(const ViewSnapshot& live, const ViewSnapshot& rebuilt,
                                  const std::function<bool(int64_t)>& go_on) {
  using Part = ViewSnapshot::Part;
  Comparison result;
  for (const auto& [part, counts] : {std::pair(Part::rows, &result.rows), std::pair(Part::index, &result.index)})
    if (!compare(part, *counts, result, Walk(live, part), Walk(rebuilt, part), go_on)) return std::nullopt;
  return result;
}

}  // namespace everfold
