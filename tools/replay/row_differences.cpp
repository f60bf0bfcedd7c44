#include "tools/replay/row_differences.hpp"

#include <string>
#include <utility>
#include <vector>

namespace everfold::replay {
namespace {

constexpr std::size_t chunk_rows = 1'000;

// A reader calls back row by row; of two that are walked side by side one has to be asked for its rows in chunks.
class Walk {
 public:
  explicit Walk(const ViewReader& reader) : reader_(reader) { read(); }

  bool at_end() const { return at_ == chunk_.size(); }
  std::string_view key() const { return chunk_[at_].first; }
  std::string_view row() const { return chunk_[at_].second; }
  void next() {
    if (++at_ < chunk_.size() || chunk_.size() < chunk_rows) return;
    from_ = std::move(chunk_.back().first) + '\0';  // the least key behind it
    read();
  }

 private:
  void read() {
    chunk_.clear();
    at_ = 0;
    reader_.rows("", from_, [this](std::string_view key, std::string_view row) {
      chunk_.emplace_back(key, row);
      return chunk_.size() < chunk_rows;
    });
  }

  const ViewReader& reader_;
  std::string from_;
  std::vector<std::pair<std::string, std::string>> chunk_;
  std::size_t at_ = 0;
};

}  // namespace

RowDifferences compare_rows(const ViewReader& before, const ViewReader& after, const SayDifference& say) {
  RowDifferences found;
  Walk walk(after);
  bool go_on = true;
  const auto added_up_to = [&](const std::optional<std::string_view>& key) {
    for (; go_on && !walk.at_end() && (!key || walk.key() < *key); walk.next()) {
      ++found.compared, ++found.added;
      go_on = say(walk.key(), std::nullopt, walk.row());
    }
  };
  before.rows("", "", [&](std::string_view key, std::string_view row) {
    added_up_to(key);
    if (!go_on) return false;
    ++found.compared;
    if (walk.at_end() || walk.key() != key) {
      ++found.lost;
      return go_on = say(key, row, std::nullopt);
    }
    if (walk.row() != row) {
      ++found.changed;
      go_on = say(key, row, walk.row());
    }
    walk.next();
    return go_on;
  });
  added_up_to(std::nullopt);
  return found;
}

}  // namespace everfold::replay
