// Entity tags: `"<version>"` of the aggregate that a row shows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::query {

std::string etag_of(int64_t version);

// RFC 9110 section 13.1.2: `*`, or a list of tags compared weakly. What is not such a list matches nothing.
bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace everfold::query
