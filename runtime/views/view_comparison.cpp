#include "runtime/views/view_comparison.hpp"

#include <utility>

namespace everfold {
namespace {

constexpr std::size_t chunk_keys = 1'000;

// Entries walk by themselves; two that are walked side by side are asked for in chunks.
class Walk {
 public:
  explicit Walk(const Entries& entries) : entries_(entries) { read(); }

  bool at_end() const { return at_ == chunk_.size(); }
  const std::string& key() const { return chunk_[at_].first; }
  const std::string& value() const { return chunk_[at_].second; }
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
    entries_(from_, [this](std::string_view key, std::string_view value) {
      chunk_.emplace_back(key, value);
      return chunk_.size() < chunk_keys;
    });
  }

  const Entries& entries_;
  std::string from_;
  std::vector<std::pair<std::string, std::string>> chunk_;
  std::size_t at_ = 0;
};

}  // namespace

bool walk_both(const Entries& live, const Entries& rebuilt, const VisitBoth& visit) {
  Walk left(live), right(rebuilt);
  while (!left.at_end() || !right.at_end()) {
    const int order = left.at_end() ? 1 : right.at_end() ? -1 : left.key().compare(right.key());
    std::optional<std::string_view> was, is;
    if (order <= 0) was = left.value();
    if (order >= 0) is = right.value();
    if (!visit(was ? left.key() : right.key(), was, is)) return false;
    if (was) left.next();
    if (is) right.next();
  }
  return true;
}

bool Comparison::Counts::count(const std::optional<std::string_view>& live,
                               const std::optional<std::string_view>& rebuilt) {
  ++compared;
  if (live == rebuilt) return false;
  ++(!live ? added : !rebuilt ? lost : changed);
  return true;
}

std::optional<Comparison> compare(const ViewSnapshot& live, const ViewSnapshot& rebuilt,
                                  const std::function<bool(int64_t)>& go_on) {
  using Part = ViewSnapshot::Part;
  Comparison result;
  for (const Part part : {Part::rows, Part::index}) {
    Comparison::Counts& counts = part == Part::rows ? result.rows : result.index;
    const auto entries = [part](const ViewSnapshot& of) {
      return [part, &of](std::string_view from, const ViewReader::Visit& visit) { of.walk(part, from, visit); };
    };
    const bool all =
        walk_both(entries(live), entries(rebuilt), [&](std::string_view key, const auto& was, const auto& is) {
          if (counts.count(was, is) && result.differences.size() < Comparison::most_kept)
            result.differences.push_back(
                {part, std::string(key), std::optional<std::string>(was), std::optional<std::string>(is)});
          return counts.compared % static_cast<int64_t>(chunk_keys) != 0 || go_on(result.rows.compared);
        });
    if (!all) return std::nullopt;
  }
  return result;
}

}  // namespace everfold
