#include "tools/replay/folds/asked.hpp"

#include <nlohmann/json.hpp>

#include "tools/replay/tool.hpp"

namespace everfold::replay {

std::optional<std::string> difference(const Asked& before, const Asked& now) {
  const auto value = [](const Asked& asked, const std::string& name) {
    const auto found = asked.find(name);
    return found == asked.end() ? std::string() : found->second;
  };
  Asked names = before;
  names.insert(now.begin(), now.end());
  for (const auto& [name, either] : names) {
    const std::string was = value(before, name), is = value(now, name);
    if (was != is)
      return '"' + name + "\" was " + (was.empty() ? "not given" : was) + " and is " + (is.empty() ? "not given" : is) +
             " now";
  }
  return std::nullopt;
}

void refuse_to_go_on(const std::string& place, const std::string& why, const std::string& another) {
  throw UsageError(place + " is of an interrupted run that this one cannot go on with: " + why +
                   ". Ask the same as then, give another " + another + ", or begin anew with --anew");
}

std::string to_json(const Asked& asked) { return nlohmann::json(asked).dump() + '\n'; }

Asked asked_of(const std::string& json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  Asked asked;
  if (!parsed.is_object()) return asked;
  for (const auto& [name, value] : parsed.items()) {
    if (!value.is_string()) return {};
    asked[name] = value.get<std::string>();
  }
  return asked;
}

}  // namespace everfold::replay
