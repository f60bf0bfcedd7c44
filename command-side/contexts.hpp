// Every context whose commands everfold-command decides.
#pragma once

#include <memory>
#include <vector>

#include "runtime/writer/hosted_context.hpp"

namespace everfold {

std::vector<std::unique_ptr<HostedContext>> command_contexts();

}  // namespace everfold
