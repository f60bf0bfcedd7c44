// openapi.json of this folder, as it was when the program was built.
#pragma once

#include <string_view>

namespace everfold::query {

std::string_view openapi_document();

}  // namespace everfold::query
