// Strict JSON into a Protobuf message, by reflection. What a client sends must mean exactly one thing: a misspelt
// field, a 1.5 where an integer belongs, or the same name twice is refused, never dropped or rounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/rejection.hpp"

namespace google::protobuf {
class Message;
}

namespace everfold::json {

// A string field of the body that the message does not have: a product's sku beside its details.
struct ExtraField {
  std::string_view name;
  std::optional<std::string>* value;
};

struct ParseOptions {
  // Top-level names (JSON's) that the body may have; all the others are unknown. Empty: every field of the message.
  std::vector<std::string_view> allowed;
  std::vector<ExtraField> extra;
};

// The body must be an object. Merges into `message`, which should be empty; what it holds after a refusal is
// unspecified. Returns the top-level names that the body gave (with null too), in its order: what a PATCH changes.
//
// Field names are camelCase only. Integers must be written as integers. Enums are their values' names, never the
// unspecified one (number 0). google.protobuf.Timestamp is RFC 3339. null clears an `optional` or message field and is
// refused elsewhere. Strings may not hold U+0000.
//
// Refuses with malformed (not JSON, not UTF-8, a name twice; with the position where there is one) or
// validation_failed, whose details name every wrong field: {"lines[0].quantity", "must be an integer"}. How deep a body
// may nest is the message's depth: what is deeper is unknown or of a wrong type, and is not walked into.
Decided<std::vector<std::string>> parse_into(std::string_view json, google::protobuf::Message& message,
                                             const ParseOptions& options = {});

}  // namespace everfold::json
