#include "query-api/http/rows.hpp"

namespace everfold::query::detail {

Rejection no_such_row(const Caller& caller, const std::string& noun, const std::string& id, bool login_helps) {
  if (login_helps && !caller.has_credentials())
    return reject(
        Code::unauthenticated,
        "this " + noun + " needs a token: send Authorization: Bearer <token>, or Everfold-Order-Token as a guest");
  return reject(Code::not_found, "there is no " + noun + " " + id);
}

std::optional<std::string> why_parked(const ViewReader& view, const std::string& key) {
  const std::string wanted = std::string(parked_prefix) + key;
  std::optional<std::string> why;
  view.index(wanted, [&](std::string_view found, std::string_view sentence) {
    if (found == wanted) why = sentence;  // what comes behind may be another's, whose key begins alike
    return false;
  });
  return why;
}

http::Response row_response(int64_t version, std::string body) {
  return {200, {{"ETag", etag_of(version)}}, std::move(body)};
}

std::optional<http::Response> not_modified(const http::Request& request, int64_t version) {
  const auto if_none_match = request.header("if-none-match");
  if (if_none_match.empty() || !names_etag(if_none_match, etag_of(version))) return std::nullopt;
  return http::Response{304, {{"ETag", etag_of(version)}}, {}};
}

http::Response history_response(const std::vector<std::string>& items) {
  http::Response response;
  response.body = "{\"items\":" + json_array(items) + '}';
  return response;
}

}  // namespace everfold::query::detail
