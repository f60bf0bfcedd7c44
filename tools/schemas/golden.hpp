// Golden bytes: a message of each published type as it was written once, with every field set, and what it says. Each
// lies in a file of its own that is never changed (tests/golden/), so that today's code is held to yesterday's records.
//
//   type everfold.orders.OrderCancelled.v1
//   bytes 0a0b726561736f6e2031303031
//   json {"reason":"reason 1001"}
//
// An upcaster's golden is what it made of the golden of the type that it begins at: type, bytes and JSON are of what it
// leads to.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

#include "schemas/registry.hpp"
#include "tools/schemas/schema_set.hpp"

namespace everfold::schemas {

struct Golden {
  std::string type;
  std::string bytes;
  std::string json;  // Protobuf's own: fields that are unset are left out, so that it stands when a field is added
};

// Every field set, each to something else, always the same. Of a oneof its first.
Golden make_golden(const std::string& type, const google::protobuf::Descriptor& message);
// What an upcaster makes of the golden of the type that it begins at. Throws std::runtime_error: it cannot read that.
Golden make_golden(const UpcastStep& step, const Golden& former, const google::protobuf::Descriptor& to);
// Throws std::runtime_error: they are no such message.
std::string json_of(const google::protobuf::Descriptor& message, std::string_view bytes);

std::string golden_file(
    const UpcastStep& step);  // "upcasters/orders.refunds-say-how-much.golden"; of a type: schemas/registry.hpp
std::string to_text(const Golden& golden);
Golden parse_golden(std::string_view text);  // throws std::runtime_error

// Writes those that are missing, and no other; returns their paths. Throws std::runtime_error.
std::vector<std::string> write_missing(const SchemaSet& schemas, const std::string& folder);

}  // namespace everfold::schemas
