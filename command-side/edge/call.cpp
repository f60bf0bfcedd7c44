#include "command-side/edge/call.hpp"

#include <algorithm>
#include <charconv>

#include "kernel/fields.hpp"
#include "kernel/ids.hpp"
#include "platform/http/router.hpp"

namespace everfold::edge {
namespace {

constexpr std::size_t longest_id = 128;
constexpr std::size_t longest_key = 255;

bool is_visible_ascii(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// Nothing when the header is absent. Two of it would mean two things.
Decided<std::optional<std::string_view>> only_header(const http::Request& request, std::string_view lower_case_name,
                                                     const char* name) {
  std::optional<std::string_view> found;
  for (const auto& [header, value] : request.headers) {
    if (header != lower_case_name) continue;
    if (found) return reject_field(name, "is given twice");
    found = value;
  }
  return found;
}

// "7" in quotes, or *.
std::optional<int64_t> expected_version(std::string_view if_match) {
  if (if_match == "*") return -1;
  if (if_match.size() < 3 || !if_match.starts_with('"') || !if_match.ends_with('"')) return std::nullopt;
  const std::string_view digits = if_match.substr(1, if_match.size() - 2);
  int64_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!whole || version < 0 || std::to_string(version) != digits) return std::nullopt;
  return version;
}

std::string route_of(const http::Request& request) {
  return std::string(http::method_name(request.method)) + " " + request.path;
}

Rejection needs_token() {
  return reject(Code::unauthenticated, "This needs a token: send Authorization: Bearer <token>.");
}

}  // namespace

Decided<Call> Call::of(http::Request request, const Ports& ports) {
  const auto authorization = only_header(request, "authorization", "Authorization");
  if (!authorization) return authorization.error();
  auto caller = ports.tokens.principal(authorization.value().value_or(""));
  if (!caller) return std::move(caller).error();
  const auto key = only_header(request, "idempotency-key", "Idempotency-Key");
  if (!key) return key.error();
  if (key.value() && !is_visible_ascii(*key.value(), longest_key))
    return reject_field("Idempotency-Key", "must be 1 to 255 visible characters");
  const auto if_match = only_header(request, "if-match", "If-Match");
  if (!if_match) return if_match.error();
  const auto expected = expected_version(if_match.value().value_or("*"));
  if (!expected) return reject_field("If-Match", "must be one version as ETag names it, such as \"7\", or *");

  const auto position = only_header(request, "everfold-position", "Everfold-Position");
  if (!position) return position.error();
  auto has_seen = parse_position(position.value().value_or(""));
  if (!has_seen) return std::move(has_seen).error();

  CommandMeta meta;
  meta.actor = caller.value() ? caller.value()->subject : "";
  const std::string route = route_of(request);
  meta.id = key.value() ? derive_id({"http", meta.actor, route, *key.value()}) : ports.random_id();
  meta.fresh_id = !key.value();
  meta.digest = derive_id({route, request.body});
  meta.time_ms = ports.now_ms();
  meta.correlation_id = request.correlation_id;
  meta.traceparent = request.traceparent;
  meta.expected_version = *expected;

  Call call(std::move(request), ports);
  call.caller_ = std::move(caller).value();
  call.meta_ = std::move(meta);
  call.has_seen_ = std::move(has_seen).value();
  return call;
}

bool Call::holds_token_of(std::string_view order_id) const {
  const std::string_view token = request_.header("everfold-order-token");
  return !token.empty() && ports_->tokens.order_token_matches(order_id, token);
}

std::optional<Rejection> Call::needs_staff() const {
  if (!caller_) return needs_token();
  if (is_staff()) return std::nullopt;
  return reject(Code::forbidden, "This is for sellers and admins.");
}

Decided<std::string> Call::id() const {
  const std::string& id = request_.param("id");
  if (!is_visible_ascii(id, longest_id)) return reject(Code::not_found, "There is nothing with this id.");
  return id;
}

Decided<std::string> Call::sku() const {
  const std::string& sku = request_.param("sku");
  if (auto wrong = FieldCheck().sku("sku", sku).rejection()) return *std::move(wrong);
  return sku;
}

std::optional<Rejection> Call::has_fields() const {
  if (request_.body.empty() || request_.body == "{}") return std::nullopt;
  return reject(Code::validation_failed, "This takes no fields: send no body.");
}

std::string Call::derived_id(std::string_view purpose) const { return derive_id({purpose, meta_.id}); }

}  // namespace everfold::edge
