// What differs between two JSON values, field by field.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace everfold::replay {

struct Change {
  std::string path;                              // as jq has it: .lines[1].quantity
  std::optional<nlohmann::ordered_json> before;  // nothing: it was not there
  std::optional<nlohmann::ordered_json> after;   // nothing: it is not there any more
};

// In the order of the fields. The members of lists are matched by their `id` or `sku` where every one has one of its
// own, otherwise by their place; a path then names the place in `after`, or in `before` of what is gone.
std::vector<Change> changes_between(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

}  // namespace everfold::replay
