#include "query-api/http/etag.hpp"

namespace everfold::query {
namespace {

void skip(std::string_view& text, std::string_view characters) {
  text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

}  // namespace

std::string etag_of(int64_t version) { return '"' + std::to_string(version) + '"'; }

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  skip(if_none_match, " \t");
  if (if_none_match == "*") return true;
  for (; !if_none_match.empty(); skip(if_none_match, ", \t")) {
    if (if_none_match.starts_with("W/")) if_none_match.remove_prefix(2);
    const auto end = if_none_match.starts_with('"') ? if_none_match.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    if (if_none_match.substr(0, end + 1) == etag) return true;
    if_none_match.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace everfold::query
