// The views of this installation: adding one is its file pair and a line in registry.cpp.
#pragma once

#include <vector>

#include "runtime/views/view_ports.hpp"

namespace everfold::projections {

std::vector<MakeView> view_makers();

}  // namespace everfold::projections
