// Today's schemas as protoc describes them: every .proto file of schemas/, whether a program has linked it or not.
#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>
#include <vector>

#include "tools/schemas/published.hpp"

namespace everfold::schemas {

class SchemaSet {
 public:
  // `file`: of protoc --descriptor_set_out --include_imports. Throws std::runtime_error with a sentence.
  explicit SchemaSet(const std::string& file);

  const std::vector<const google::protobuf::FileDescriptor*>& files() const { return files_; }  // of schemas/
  // Every message of a file that may not change, but those within another: "everfold.orders.OrderPlaced.v1" and what it
  // is.
  const std::map<std::string, const google::protobuf::Descriptor*>& kept() const { return kept_; }

 private:
  google::protobuf::DescriptorPool pool_;
  std::vector<const google::protobuf::FileDescriptor*> files_;
  std::map<std::string, const google::protobuf::Descriptor*> kept_;
};

// With the event types of schemas/registry.hpp.
Published today(const SchemaSet& schemas);

std::string read_file(const std::string& path);  // throws std::runtime_error with a sentence

}  // namespace everfold::schemas
