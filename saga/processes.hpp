// Every process manager, as the writer of everfold-saga sees it.
#pragma once

#include <memory>
#include <vector>

#include "runtime/writer/hosted_context.hpp"

namespace everfold {

std::vector<std::unique_ptr<HostedContext>> saga_processes();

}  // namespace everfold
