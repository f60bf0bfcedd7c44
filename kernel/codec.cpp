#include "kernel/codec.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "kernel/check.hpp"

namespace everfold {

std::string type_name(const google::protobuf::Descriptor* descriptor) {
  // everfold.orders.v1.OrderPlaced → everfold.orders.OrderPlaced.v1
  const std::string package = descriptor->file()->package();
  const std::size_t dot = package.rfind('.');
  check(dot != std::string::npos, "a schema's package has no version");
  return package.substr(0, dot) + "." + descriptor->name() + package.substr(dot);
}

std::string bytes_of(const google::protobuf::MessageLite& message) {
  std::string bytes;
  bytes.reserve(message.ByteSizeLong());
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    check(message.SerializeToCodedStream(&out), "a Protobuf message is too large to be written");
  }
  return bytes;
}

}  // namespace everfold
