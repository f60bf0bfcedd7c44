#include <algorithm>

#include "kernel/check.hpp"
#include "platform/http/server.hpp"

namespace everfold::http {

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = std::ranges::find(headers, lower_case_name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

const std::string& Request::param(std::string_view name) const {
  const auto found = std::ranges::find(params, name, &std::pair<std::string, std::string>::first);
  if (found == params.end()) fail("the route's pattern has no such parameter: " + std::string(name));
  return found->second;
}

}  // namespace everfold::http
