// Which generation of a view to fold on: the rules over a ViewShelf.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/view_shelf.hpp"

namespace everfold {

struct Generation {
  int64_t number = 0;
  std::unique_ptr<ViewStore> store;
  bool building = true;  // not what queries read yet
};

class ViewGenerations {
 public:
  using Say = std::function<void(std::string_view)>;

  // `say`: what happens; `warn`: what should not have.
  ViewGenerations(ViewShelf& shelf, std::string view, int code_version, Say say, Say warn);

  // The live one, if this version of the code wrote it; otherwise the one that is being built beside it; otherwise a
  // new one. Damaged ones are set aside on the way.
  Generation open();
  Generation start();
  // Queries read it from now on. The one before stays on the disk until the next open(): a reader may be in the middle
  // of it.
  void switch_to(Generation& generation);
  // Close its store first.
  void set_aside(int64_t number, const ViewDamaged& damage);
  std::string damage_of(const Generation& generation) const { return shelf_.damage_of(generation.number); }

 private:
  bool open(int64_t number, Generation& into);
  void keep_only(int64_t number);

  ViewShelf& shelf_;
  const std::string view_;
  const int code_version_;
  const Say say_;
  const Say warn_;
  int64_t highest_ = 0;  // number ever used: none is used again while a reader may know it
};

}  // namespace everfold
