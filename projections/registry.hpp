// The views of this installation: adding one is its file pair and a line in registry.cpp.
#pragma once

#include <memory>
#include <vector>

#include "runtime/view.hpp"

namespace everfold::projections {

std::vector<std::unique_ptr<View>> make_views();

}  // namespace everfold::projections
