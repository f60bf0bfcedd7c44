#include "query-api/http/fields.hpp"

#include <google/protobuf/descriptor.h>

#include <algorithm>

namespace everfold::query {
namespace {

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0;;) {
    const auto comma = list.find(',', begin);
    names.push_back(list.substr(begin, comma - begin));
    if (comma == std::string::npos) return names;
    begin = comma + 1;
  }
}

}  // namespace

Fields Fields::of(Parameters& parameters, const google::protobuf::Descriptor& row) {
  Fields fields;
  const auto list = parameters.text("fields");
  if (!list) return fields;
  std::string known;
  std::vector<std::string> known_names;
  for (int i = 0; i < row.field_count(); ++i) {
    known_names.push_back(row.field(i)->json_name());
    known += (i == 0 ? "" : ", ") + row.field(i)->json_name();
  }
  fields.names_ = split(*list);
  for (const auto& name : *fields.names_) {
    if (std::ranges::find(known_names, name) != known_names.end()) continue;
    parameters.refuse("fields", "names '" + name + "', which is none of: " + known);
    break;
  }
  return fields;
}

}  // namespace everfold::query
