#include "tools/schemas/golden.hpp"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "kernel/codec.hpp"

namespace everfold::schemas {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DynamicMessageFactory;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int deepest = 8;  // of messages that contain themselves

// No two fields say the same, so that none can be taken for another.
class Filler {
 public:
  void fill(Message& message, int depth = 0) {
    const Descriptor& type = *message.GetDescriptor();
    if (type.full_name() == "google.protobuf.Timestamp") return fill_time(message);
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const auto* oneof = field.real_containing_oneof();
      if (oneof != nullptr && oneof->field(0) != &field) continue;
      for (int times = field.is_repeated() && !field.is_map() ? 2 : 1; times > 0; --times) set(message, field, depth);
    }
  }

 private:
  void fill_time(Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    message.GetReflection()->SetInt64(&message, type.FindFieldByName("seconds"), 1'767'225'600 + ++count_);
    message.GetReflection()->SetInt32(&message, type.FindFieldByName("nanos"), 123'000'000);
  }

  void set(Message& message, const FieldDescriptor& field, int depth) {
    const auto& reflection = *message.GetReflection();
    const bool list = field.is_repeated();
    if (const auto* values = field.enum_type()) {
      const int value = values->value(values->value_count() > 1 ? 1 : 0)->number();
      return list ? reflection.AddEnumValue(&message, &field, value) : reflection.SetEnumValue(&message, &field, value);
    }
    if (field.message_type() != nullptr) {
      if (depth == deepest) return;
      return fill(list ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field),
                  depth + 1);
    }
    const int number = 1'000 + ++count_;
    const auto put = [&](auto add, auto set_one, auto value) {
      if (list)
        (reflection.*add)(&message, &field, value);
      else
        (reflection.*set_one)(&message, &field, value);
    };
    using R = google::protobuf::Reflection;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return put(&R::AddInt32, &R::SetInt32, number);
      case FieldDescriptor::CPPTYPE_INT64:
        return put(&R::AddInt64, &R::SetInt64, int64_t{number});
      case FieldDescriptor::CPPTYPE_UINT32:
        return put(&R::AddUInt32, &R::SetUInt32, static_cast<uint32_t>(number));
      case FieldDescriptor::CPPTYPE_UINT64:
        return put(&R::AddUInt64, &R::SetUInt64, static_cast<uint64_t>(number));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return put(&R::AddDouble, &R::SetDouble, number + 0.25);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return put(&R::AddFloat, &R::SetFloat, static_cast<float>(number) + 0.25f);
      case FieldDescriptor::CPPTYPE_BOOL:
        return put(&R::AddBool, &R::SetBool, true);
      case FieldDescriptor::CPPTYPE_STRING:
        return put(&R::AddString, &R::SetString, text(field, number));
      case FieldDescriptor::CPPTYPE_ENUM:
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return;  // above
    }
  }

  static std::string text(const FieldDescriptor& field, int number) {
    return (field.type() == FieldDescriptor::TYPE_BYTES ? "\xff" : "") + field.name() + " " + std::to_string(number);
  }

  int count_ = 0;
};

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  }
  return hex;
}

std::string bytes_of_hex(const std::string& hex) {
  if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw std::runtime_error("its bytes are no hexadecimal digits");
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string json_of(const Message& message) {
  std::string json;
  if (const auto status = google::protobuf::util::MessageToJsonString(message, &json); !status.ok())
    throw std::runtime_error(message.GetTypeName() + " is not to be had as JSON: " + status.ToString());
  return json;
}

bool write_if_missing(const std::filesystem::path& path, const Golden& golden) {
  if (std::filesystem::exists(path)) return false;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << to_text(golden);
  if (!out.flush()) throw std::runtime_error(path.string() + " cannot be written");
  return true;
}

}  // namespace

Golden make_golden(const std::string& type, const Descriptor& descriptor) {
  DynamicMessageFactory factory;
  const std::unique_ptr<Message> message(factory.GetPrototype(&descriptor)->New());
  Filler().fill(*message);
  return {type, bytes_of(*message), json_of(*message)};
}

Golden make_golden(const UpcastStep& step, const Golden& former, const Descriptor& to) {
  const auto now = step.apply(former.bytes);
  if (!now) throw std::runtime_error("upcaster " + step.name + " cannot read the golden bytes of " + step.from);
  return {step.to, *now, json_of(to, *now)};
}

std::string json_of(const Descriptor& descriptor, std::string_view bytes) {
  DynamicMessageFactory factory;
  const std::unique_ptr<Message> message(factory.GetPrototype(&descriptor)->New());
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw std::runtime_error("they are no " + descriptor.full_name());
  return json_of(*message);
}

std::string golden_file(const UpcastStep& step) { return "upcasters/" + step.name + ".golden"; }

std::string to_text(const Golden& golden) {
  return "type " + golden.type + "\nbytes " + hex_of(golden.bytes) + "\njson " + golden.json + "\n";
}

Golden parse_golden(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string type, bytes, json, more;
  if (!std::getline(lines, type) || !std::getline(lines, bytes) || !std::getline(lines, json) ||
      std::getline(lines, more) || !type.starts_with("type ") || !bytes.starts_with("bytes ") ||
      !json.starts_with("json "))
    throw std::runtime_error("it is not the three lines type, bytes and json");
  return {type.substr(5), bytes_of_hex(bytes.substr(6)), json.substr(5)};
}

std::vector<std::string> write_missing(const SchemaSet& schemas, const std::string& folder) {
  std::vector<std::string> written;
  const auto keep = [&](const std::string& file, const Golden& golden) {
    if (const auto path = folder + "/" + file; write_if_missing(path, golden)) written.push_back(path);
  };
  for (const auto& [type, message] : schemas.kept()) keep(golden_file(type), make_golden(type, *message));
  for (const ContextEvents& context : all_events())
    for (const UpcastStep& step : context.upcasters) {
      const Golden former = parse_golden(read_file(folder + "/" + golden_file(step.from)));
      keep(golden_file(step), make_golden(step, former, *schemas.kept().at(step.to)));
    }
  return written;
}

}  // namespace everfold::schemas
