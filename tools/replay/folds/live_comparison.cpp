#include "tools/replay/folds/live_comparison.hpp"

#include <stdexcept>

#include "tools/replay/output/json_changes.hpp"
#include "tools/replay/output/row_json.hpp"

namespace everfold::replay {
namespace {

using Json = nlohmann::ordered_json;

Json changes_json(const Json& live, const Json& run) {
  Json list = Json::array();
  for (const Change& change : changes_between(live, run)) {
    Json each{{"path", change.path}};
    if (change.before) each["live"] = *change.before;
    if (change.after) each["run"] = *change.after;
    list.push_back(std::move(each));
  }
  return list;
}

}  // namespace

LiveComparison::LiveComparison(const std::string& views_directory, const View& view, const RocksMemory& memory)
    : view_(view), live_(views_directory, std::string(view.name()), scratch_.path(), memory) {
  if (live_.generation() == 0)
    throw std::runtime_error("--compare: " + views_directory + " has no live view " + std::string(view.name()) + " (" +
                             live_.problem() + "): give the projector's --views-dir");
}

Comparison::Counts LiveComparison::compare(const ViewReader& run,
                                           const std::function<bool(const std::string&)>& say) const {
  const auto rows_of = [](const ViewReader& reader) {
    return [&reader](std::string_view from, const ViewReader::Visit& visit) { reader.rows("", from, visit); };
  };
  Comparison::Counts counts;
  walk_both(rows_of(live_), rows_of(run), [&](std::string_view key, const auto& live, const auto& folded) {
    if (!counts.count(live, folded)) return true;
    Json line{{"key", key}, {"difference", !live ? "added" : !folded ? "lost" : "changed"}};
    if (live) line["live"] = Json::parse(row_json(view_, key, *live));
    if (folded) line["run"] = Json::parse(row_json(view_, key, *folded));
    if (live && folded) line["changes"] = changes_json(line["live"], line["run"]);
    return say(line.dump());
  });
  return counts;
}

}  // namespace everfold::replay
