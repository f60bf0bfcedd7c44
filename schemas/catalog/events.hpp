#pragma once

#include <variant>

#include "schemas/catalog/v1/events.pb.h"

namespace everfold::catalog {
using Event = std::variant<v1::ProductCreated, v1::ProductUpdated, v1::ProductArchived>;
}
