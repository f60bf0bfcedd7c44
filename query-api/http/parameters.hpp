// A query string, read by a whitelist: a parameter that nobody asked for, comes twice or does not parse is refused by
// name, because a misspelt filter that is ignored answers another question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/rejection.hpp"
#include "platform/http/server.hpp"

namespace google::protobuf {
class EnumDescriptor;
}

namespace everfold::query {

// Ask for every parameter that the route knows, then look at refusal(). A value that does not parse reads as absent.
class Parameters {
 public:
  explicit Parameters(const http::Request& request) : query_(request.query) {}

  std::optional<std::string> text(std::string_view name);
  std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);
  std::optional<bool> flag(std::string_view name);                                                      // true | false
  std::optional<int64_t> time_ms(std::string_view name);                                                // RFC 3339
  std::optional<std::size_t> choice(std::string_view name, std::span<const std::string_view> allowed);  // its index
  // One of the enum's values by its name, never its unspecified one (number 0).
  std::optional<int> value_of(std::string_view name, const google::protobuf::EnumDescriptor& values);
  void refuse(std::string_view name, std::string message);

  std::optional<Rejection> refusal() const;

 private:
  const std::string* find(std::string_view name);

  const std::vector<std::pair<std::string, std::string>>& query_;
  std::vector<std::string> known_;
  std::vector<FieldError> errors_;
};

}  // namespace everfold::query
