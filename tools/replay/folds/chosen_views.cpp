#include "tools/replay/folds/chosen_views.hpp"

#include <algorithm>

#include "projections/registry.hpp"
#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

std::vector<std::unique_ptr<View>> all_views() {
  std::vector<std::unique_ptr<View>> views;
  for (const MakeView& make : projections::view_makers()) views.push_back(make());
  return views;
}

}  // namespace

std::unique_ptr<View> view_named(const std::string& name) {
  std::string names;
  for (auto& view : all_views()) {
    if (view->name() == name) return std::move(view);
    names += (names.empty() ? "" : ", ") + std::string(view->name());
  }
  throw UsageError("there is no view " + name + ": there are " + names);
}

std::vector<std::unique_ptr<View>> chosen_views(const std::vector<std::string>& names,
                                                const std::vector<std::string>& contexts) {
  std::vector<std::unique_ptr<View>> views;
  for (const std::string& name : names) views.push_back(view_named(name));
  if (!names.empty()) return views;
  for (auto& view : all_views()) {
    const bool wanted =
        contexts.empty() || std::find(contexts.begin(), contexts.end(), view->context()) != contexts.end();
    if (wanted && view->context() != every_context) views.push_back(std::move(view));
  }
  return views;
}

}  // namespace everfold::replay
