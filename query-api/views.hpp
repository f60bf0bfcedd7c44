// The views that this program answers from.
#pragma once

#include <string>
#include <vector>

#include "query-api/reads/live_views.hpp"

namespace everfold {
class RocksMemory;
}

namespace everfold::query {

// Those of the projector, opened as secondary instances; `scratch_directory` is this program's own.
std::vector<FollowedView> followed_views(const std::string& views_directory, const std::string& scratch_directory,
                                         const RocksMemory& memory);

}  // namespace everfold::query
