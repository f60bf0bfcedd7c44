#include "tools/schemas/schema_set.hpp"

#include <google/protobuf/descriptor.pb.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "kernel/codec.hpp"
#include "schemas/registry.hpp"

namespace everfold::schemas {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in) throw std::runtime_error(path + " cannot be read; `./dev build publish_schemas` writes what is missing");
  return bytes.str();
}

SchemaSet::SchemaSet(const std::string& file) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromString(read_file(file)))
    throw std::runtime_error(file + " is no set of descriptors; delete it and build again");
  for (const auto& proto : set.file()) {
    const auto* described = pool_.BuildFile(proto);
    if (described == nullptr)
      throw std::runtime_error(file + ": " + proto.name() + " is not a whole schema; delete it and build again");
    if (!proto.name().starts_with("schemas/")) continue;
    files_.push_back(described);
    if (may_change(proto.name())) continue;
    for (int i = 0; i < described->message_type_count(); ++i)
      kept_.emplace(type_name(described->message_type(i)), described->message_type(i));
  }
}

Published today(const SchemaSet& schemas) {
  Published published;
  for (const auto* file : schemas.files()) add_types(published, *file);
  for (const ContextEvents& context : all_events()) {
    auto& types = published.events[context.context];
    types.insert(context.newest.begin(), context.newest.end());
    for (const UpcastStep& step : context.upcasters) types.insert(step.from);
  }
  return published;
}

}  // namespace everfold::schemas
