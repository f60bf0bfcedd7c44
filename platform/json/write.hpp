// Protobuf messages as JSON, by reflection, fast enough for every answer of the query API.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Message;
}

namespace everfold::json {

// camelCase names in the order of declaration; int64 as numbers; enums as their values' names; Timestamp as RFC 3339
// with milliseconds; maps sorted by key, so that equal messages give equal bytes. Left out: `optional` and message
// fields that are unset. Everything else is always there. `fields`: only these of the top level (JSON names; unknown
// ones are ignored).
std::string to_json(const google::protobuf::Message& message, const std::vector<std::string>* fields = nullptr);
void append_json(std::string& out, const google::protobuf::Message& message,
                 const std::vector<std::string>* fields = nullptr);

// With the quotes. What is not UTF-8 becomes U+FFFD, so that the result is always JSON.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);

}  // namespace everfold::json
