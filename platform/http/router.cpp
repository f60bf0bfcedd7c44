#include "platform/http/router.hpp"

#include <algorithm>
#include <array>

#include "kernel/check.hpp"

namespace everfold::http {
namespace {

constexpr std::array<std::pair<std::string_view, Method>, 7> methods{{{"GET", Method::get},
                                                                      {"HEAD", Method::head},
                                                                      {"POST", Method::post},
                                                                      {"PUT", Method::put},
                                                                      {"PATCH", Method::patch},
                                                                      {"DELETE", Method::del},
                                                                      {"OPTIONS", Method::options}}};

const Router::Impl::Route* route_for(const Router::Impl::Node& node, Method method) {
  const auto found = std::ranges::find(node.routes, method, &Router::Impl::Route::method);
  return found == node.routes.end() ? nullptr : &*found;
}

// Depth first, exact segments before parameters; collects in `allowed` what the matching paths serve instead.
const Router::Impl::Route* find(const Router::Impl::Node& node, Method method, std::span<const std::string> rest,
                                std::vector<std::string_view>& values, std::vector<Method>& allowed) {
  const auto here = [](const Router::Impl::Route* route) { return route && route->handler; };
  if (rest.empty()) {
    if (const auto* route = route_for(node, method); here(route)) return route;
    if (const auto* route = method == Method::head ? route_for(node, Method::get) : nullptr; here(route)) return route;
    for (const auto& route : node.routes) allowed.push_back(route.method);
    return nullptr;
  }
  if (const auto exact = node.exact.find(rest.front()); exact != node.exact.end()) {
    if (const auto* route = find(exact->second, method, rest.subspan(1), values, allowed)) return route;
  }
  if (!node.parameter || rest.front().empty()) return nullptr;
  values.push_back(rest.front());
  if (const auto* route = find(*node.parameter, method, rest.subspan(1), values, allowed)) return route;
  values.pop_back();
  return nullptr;
}

}  // namespace

std::string_view method_name(Method method) {
  return std::ranges::find(methods, method, &std::pair<std::string_view, Method>::second)->first;
}

const Method* method_of(std::string_view name) {
  const auto found = std::ranges::find(methods, name, &std::pair<std::string_view, Method>::first);
  return found == methods.end() ? nullptr : &found->second;
}

void Router::Impl::add(Method method, std::string_view pattern, Handler handler, std::string_view media_type, bool counted) {
  Route& route = route_at(method, pattern);
  check(!route.handler, "the same route is added twice: " + std::string(pattern));
  route.handler = std::move(handler);
  route.media_type = media_type;
  route.counted = counted;
  added.emplace_back(method, pattern);
}

// The route of this method and pattern, made without a handler if there is none.
Router::Impl::Route& Router::Impl::route_at(Method method, std::string_view pattern) {
  check(pattern.starts_with('/'), "a route's pattern starts with '/'");
  Node* node = &root;
  std::vector<std::string> names;
  for (auto rest = pattern.substr(1);;) {
    const auto end = rest.find('/');
    const auto segment = rest.substr(0, end);
    if (segment.starts_with('{')) {
      check(segment.size() > 2 && segment.ends_with('}'), "a route's parameter is {name}, a whole segment");
      names.emplace_back(segment.substr(1, segment.size() - 2));
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else {
      node = &node->exact[std::string(segment)];
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const auto known = std::ranges::find(node->routes, method, &Route::method);
  return known != node->routes.end() ? *known : node->routes.emplace_back(method, std::move(names), Handler(), std::string(), true);
}

Router::Impl::Match Router::Impl::match(Method method, std::span<const std::string> segments) const {
  Match match;
  std::vector<std::string_view> values;
  const auto* route = find(root, method, segments, values, match.allowed);
  if (!route) return match;
  match.handler = &route->handler;
  match.media_type = route->media_type;
  match.counted = route->counted;
  match.params.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) match.params.emplace_back(route->parameter_names[i], values[i]);
  return match;
}

std::string allow_header(const std::vector<Method>& allowed) {
  std::string header;
  for (const auto& [name, method] : methods) {
    const bool serves = std::ranges::find(allowed, method) != allowed.end() ||
                        (method == Method::head && std::ranges::find(allowed, Method::get) != allowed.end());
    if (!serves) continue;
    if (!header.empty()) header += ", ";
    header += name;
  }
  return header;
}

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, Handler handler, std::string_view media_type, bool counted) {
  impl_->add(method, pattern, std::move(handler), media_type, counted);
}

void Router::elsewhere(std::string_view method, std::string_view pattern) {
  const Method* known = method_of(method);
  check(known != nullptr, "a route's method is none of HTTP's");
  impl_->route_at(*known, pattern);
}

std::vector<std::pair<Method, std::string>> Router::routes() const { return impl_->added; }

void Router::add_sync(Method method, std::string_view pattern, SyncHandler handler) {
  const auto answer = [handler = std::move(handler)](Request&& request, Responder responder) {
    responder.send(handler(std::move(request)));
  };
  impl_->add(method, pattern, answer, Impl::json, /*counted=*/false);
}

}  // namespace everfold::http
