// What a request asks for: the target of its first line, split and then decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold::http {

struct Target {
  std::string path;                   // decoded, with the leading '/'
  std::vector<std::string> segments;  // between the slashes, decoded after splitting, so that one may hold a '/' (%2F)
  std::vector<std::pair<std::string, std::string>> query;
};

// "/a/b?x=1" or, as proxies may send it, "http://host/a/b?x=1". Refuses with malformed.
Decided<Target> parse_target(std::string_view target);

}  // namespace everfold::http
