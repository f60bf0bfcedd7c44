#include "runtime/view_generations.hpp"

#include <algorithm>
#include <utility>

namespace everfold {

ViewGenerations::ViewGenerations(ViewShelf& shelf, std::string view, int code_version, Say say, Say warn)
    : shelf_(shelf),
      view_(std::move(view)),
      code_version_(code_version),
      say_(std::move(say)),
      warn_(std::move(warn)) {}

Generation ViewGenerations::open() {
  const int64_t live = shelf_.live();
  highest_ = std::max(highest_, live);
  Generation opened;
  if (live > 0 && open(live, opened)) {
    opened.building = false;
    keep_only(live);  // what an interrupted rebuild or an earlier switch left
    return opened;
  }
  for (const int64_t number : shelf_.generations()) {
    highest_ = std::max(highest_, number);
    if (number > live && open(number, opened)) return opened;
    if (number > live) shelf_.remove(number);  // half built, by another version or before it was damaged
  }
  return start();
}

// False: another version of the code wrote it, or it was damaged and is set aside.
bool ViewGenerations::open(int64_t number, Generation& into) {
  try {
    auto [store, code_version] = shelf_.open(number);
    if (code_version == code_version_) {
      into = {number, std::move(store), true};
      return true;
    }
    say_("view " + view_ + ", generation " + std::to_string(number) + ": folded by version " +
         std::to_string(code_version) + " of its code, this is version " + std::to_string(code_version_) +
         ": folding anew beside it");
  } catch (const ViewDamaged& damage) {
    set_aside(number, damage);
  }
  return false;
}

Generation ViewGenerations::start() {
  for (const int64_t number : shelf_.generations()) highest_ = std::max(highest_, number);
  highest_ = std::max(highest_, shelf_.live()) + 1;
  say_("view " + view_ + ": folding generation " + std::to_string(highest_) + " from the beginning of the logs");
  return {highest_, shelf_.create(highest_, code_version_), true};
}

void ViewGenerations::switch_to(Generation& generation) {
  shelf_.set_live(generation.number);
  generation.building = false;
  say_("view " + view_ + ": generation " + std::to_string(generation.number) + " is live");
}

void ViewGenerations::set_aside(int64_t number, const ViewDamaged& damage) {
  warn_("view " + view_ + ", generation " + std::to_string(number) + " is damaged and set aside: " + damage.what());
  shelf_.set_aside(number);
}

void ViewGenerations::keep_only(int64_t number) {
  for (const int64_t other : shelf_.generations()) {
    highest_ = std::max(highest_, other);
    if (other != number) shelf_.remove(other);
  }
}

}  // namespace everfold
