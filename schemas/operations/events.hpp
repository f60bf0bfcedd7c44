#pragma once

#include <variant>

#include "schemas/operations/v1/events.pb.h"

namespace everfold::operations {
using Event = std::variant<v1::RebuildStarted, v1::RebuildFinished, v1::GenerationSwitched, v1::GenerationRolledBack,
                           v1::GenerationsPruned, v1::ViewPaused, v1::ViewResumed, v1::CheckpointMade,
                           v1::CheckpointRestored, v1::RowRebuilt>;
}
