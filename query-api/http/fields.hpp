// fields=id,status: rows with these of their fields, and no others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "query-api/http/parameters.hpp"

namespace google::protobuf {
class Descriptor;
}

namespace everfold::query {

class Fields {
 public:
  // Refuses a name that is no top-level field of the row, by naming those that are.
  static Fields of(Parameters& parameters, const google::protobuf::Descriptor& row);

  const std::vector<std::string>* names() const { return names_ ? &*names_ : nullptr; }  // nullptr: all

 private:
  std::optional<std::vector<std::string>> names_;
};

}  // namespace everfold::query
