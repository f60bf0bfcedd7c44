#include "tools/replay/output/json_changes.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <utility>

namespace everfold::replay {
namespace {

using Json = nlohmann::ordered_json;

std::string member_path(const std::string& path, const std::string& name) {
  const bool plain = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  return plain ? path + "." + name : path + "[" + Json(name).dump() + "]";
}

std::string element_path(const std::string& path, std::size_t place) {
  return (path.empty() ? "." : path) + "[" + std::to_string(place) + "]";
}

// Each element's name for itself; nothing unless every one has one of its own.
std::optional<std::map<std::string, std::size_t>> names_in(const Json& list, std::string_view key) {
  std::map<std::string, std::size_t> names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto found = list[i].is_object() ? list[i].find(key) : list[i].end();
    if (!list[i].is_object() || found == list[i].end() || !found->is_string()) return std::nullopt;
    if (!names.emplace(found->get<std::string>(), i).second) return std::nullopt;
  }
  return names;
}

class Comparison {
 public:
  void compare(const std::string& path, const Json& before, const Json& after) {
    if (before.is_object() && after.is_object()) return objects(path, before, after);
    if (before.is_array() && after.is_array()) return lists(path, before, after);
    if (before != after) changes_.push_back({path.empty() ? "." : path, before, after});
  }
  std::vector<Change> take() { return std::move(changes_); }

 private:
  void gone(std::string path, const Json& value) { changes_.push_back({std::move(path), value, std::nullopt}); }
  void added(std::string path, const Json& value) { changes_.push_back({std::move(path), std::nullopt, value}); }

  void objects(const std::string& path, const Json& before, const Json& after) {
    for (const auto& [name, value] : before.items()) {
      const auto now = after.find(name);
      now == after.end() ? gone(member_path(path, name), value) : compare(member_path(path, name), value, *now);
    }
    for (const auto& [name, value] : after.items())
      if (!before.contains(name)) added(member_path(path, name), value);
  }

  void lists(const std::string& path, const Json& before, const Json& after) {
    for (const std::string_view key : {"id", "sku"}) {
      const auto old_names = names_in(before, key), new_names = names_in(after, key);
      if (old_names && new_names) return named(path, before, after, *old_names, *new_names);
    }
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      if (i >= after.size())
        gone(element_path(path, i), before[i]);
      else if (i >= before.size())
        added(element_path(path, i), after[i]);
      else
        compare(element_path(path, i), before[i], after[i]);
    }
  }

  void named(const std::string& path, const Json& before, const Json& after,
             const std::map<std::string, std::size_t>& old_names, const std::map<std::string, std::size_t>& new_names) {
    for (const auto& [name, place] : old_names) {
      const auto now = new_names.find(name);
      if (now == new_names.end())
        gone(element_path(path, place), before[place]);
      else
        compare(element_path(path, now->second), before[place], after[now->second]);
    }
    for (const auto& [name, place] : new_names)
      if (!old_names.contains(name)) added(element_path(path, place), after[place]);
  }

  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> changes_between(const Json& before, const Json& after) {
  Comparison comparison;
  comparison.compare("", before, after);
  return comparison.take();
}

}  // namespace everfold::replay
