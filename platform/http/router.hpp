// The routes as a tree of path segments. Read by all I/O threads at once, and never changed after the server started.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/http/server.hpp"

namespace everfold::http {

std::string_view method_name(Method method);
// nullptr when it is not one of Method; methods are case-sensitive.
const Method* method_of(std::string_view name);

struct Router::Impl {
  static constexpr std::string_view json = "application/json";
  struct Route {
    Method method;
    std::vector<std::string> parameter_names;  // in the order of the path
    Handler handler;  // empty: another program serves it
    std::string media_type;  // of its body
    bool counted = true;  // among ServerOptions::max_requests
  };
  struct Node {
    std::map<std::string, Node, std::less<>> exact;
    std::unique_ptr<Node> parameter;
    std::vector<Route> routes;
  };
  struct Match {
    const Handler* handler = nullptr;  // nullptr: no such route
    std::string_view media_type;
    bool counted = true;
    std::vector<std::pair<std::string, std::string>> params;
    std::vector<Method> allowed;  // of this path, when there is no such route; empty: no such path
  };

  void add(Method method, std::string_view pattern, Handler handler, std::string_view media_type = json, bool counted = true);
  Route& route_at(Method method, std::string_view pattern);
  Match match(Method method, std::span<const std::string> segments) const;

  Node root;
  std::vector<std::pair<Method, std::string>> added;
};

// "GET, HEAD, POST"
std::string allow_header(const std::vector<Method>& methods);

}  // namespace everfold::http
