#include "query-api/http/parameters.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <charconv>

#include "runtime/log/stored_event.hpp"

namespace everfold::query {
namespace {

template <class Strings>
std::string joined(const Strings& words) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace

const std::string* Parameters::find(std::string_view name) {
  known_.emplace_back(name);
  const std::string* value = nullptr;
  for (const auto& [key, text] : query_) {
    if (key != name) continue;
    if (value) {
      refuse(name, "must be given once");
      return nullptr;
    }
    value = &text;
  }
  return value;
}

void Parameters::refuse(std::string_view name, std::string message) {
  errors_.push_back({std::string(name), std::move(message)});
}

std::optional<std::string> Parameters::text(std::string_view name) {
  const auto* value = find(name);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<int64_t> Parameters::integer(std::string_view name, int64_t min, int64_t max) {
  const auto* value = find(name);
  if (!value) return std::nullopt;
  int64_t number = 0;
  const auto end = value->data() + value->size();
  const auto parsed = std::from_chars(value->data(), end, number);
  if (parsed.ec == std::errc{} && parsed.ptr == end && number >= min && number <= max) return number;
  refuse(name, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<bool> Parameters::flag(std::string_view name) {
  constexpr std::string_view values[] = {"false", "true"};
  const auto index = choice(name, values);
  return index ? std::optional(*index == 1) : std::nullopt;
}

std::optional<int64_t> Parameters::time_ms(std::string_view name) {
  const auto* value = find(name);
  if (!value) return std::nullopt;
  const auto time = parse_time(*value);
  if (!time) refuse(name, "must be a time as in RFC 3339, like 2026-01-31T12:00:00Z; write '+' as %2B");
  return time;
}

std::optional<std::size_t> Parameters::choice(std::string_view name, std::span<const std::string_view> allowed) {
  const auto* value = find(name);
  if (!value) return std::nullopt;
  const auto found = std::ranges::find(allowed, std::string_view(*value));
  if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  refuse(name, "must be one of: " + joined(allowed));
  return std::nullopt;
}

std::optional<int> Parameters::value_of(std::string_view name, const google::protobuf::EnumDescriptor& values) {
  std::vector<std::string_view> names;
  for (int i = 1; i < values.value_count(); ++i) names.push_back(values.value(i)->name());
  const auto index = choice(name, names);
  return index ? std::optional(values.value(static_cast<int>(*index) + 1)->number()) : std::nullopt;
}

std::optional<Rejection> Parameters::refusal() const {
  auto errors = errors_;
  for (const auto& [name, value] : query_) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    errors.push_back({name, known_.empty() ? "is unknown here: this route takes no parameters"
                                           : "is unknown here: this route takes " + joined(known_)});
  }
  if (errors.empty()) return std::nullopt;
  const auto& first = errors.front();
  return Rejection{Code::validation_failed, "parameter " + first.field + " " + first.message, std::move(errors)};
}

}  // namespace everfold::query
