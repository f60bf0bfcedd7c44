#include "platform/json/write.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "kernel/check.hpp"
#include "platform/json/utf8.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::json {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  check(error == std::errc{}, "a number does not fit 32 characters");
  out.append(digits.data(), end);
}

void append_double(std::string& out, double number) {
  if (std::isfinite(number))
    append_number(out, number);
  else
    out += "null";
}

// What the descriptors say about a message, worked out once a thread: asking them again for every row costs more than
// writing it.
struct Plan {
  struct Field {
    const FieldDescriptor* descriptor;
    std::string name;    // JSON's, without quotes
    std::string prefix;  // "name":
    bool optional;       // left out when unset
    bool timestamp = false;
    std::map<int, std::string> enum_values;  // number → quoted name
    const Plan* message = nullptr;           // of a message, or of a map's entry
  };
  const Reflection* reflection;
  std::vector<Field> fields;
};

const Plan& plan_of(const Message& message);

class Plans {
 public:
  const Plan& get(const Descriptor* descriptor, const Reflection* reflection) {
    auto& plan = plans_[descriptor];
    if (!plan) {
      plan = std::make_unique<Plan>();
      build(*plan, descriptor, reflection);
    }
    return *plan;
  }

 private:
  void build(Plan& plan, const Descriptor* descriptor, const Reflection* reflection) {
    plan.reflection = reflection;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      check(field->type() != FieldDescriptor::TYPE_BYTES, "a message with bytes has no JSON here");
      Plan::Field planned{
          field, field->json_name(), quoted(field->json_name()) + ":", field->has_presence(), false, {}, nullptr};
      if (const auto* values = field->enum_type())
        for (int v = 0; v < values->value_count(); ++v)
          planned.enum_values.emplace(values->value(v)->number(), quoted(values->value(v)->name()));
      if (const auto* type = field->message_type()) {
        planned.timestamp = type == google::protobuf::Timestamp::descriptor();
        if (!planned.timestamp) planned.message = &get(type, reflection_of(type));
      }
      plan.fields.push_back(std::move(planned));
    }
  }

  static const Reflection* reflection_of(const Descriptor* type) {
    return google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->GetReflection();
  }

  // Plans point to each other: they must not move.
  std::unordered_map<const Descriptor*, std::unique_ptr<Plan>> plans_;
};

const Plan& plan_of(const Message& message) {
  thread_local Plans plans;
  return plans.get(message.GetDescriptor(), message.GetReflection());
}

void append_message(std::string& out, const Message& message, const Plan& plan, const std::vector<std::string>* only);

void append_timestamp(std::string& out, const Message& message) {
  const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
  out += '"';
  out += format_time(time.seconds() * 1'000 + time.nanos() / 1'000'000);
  out += '"';
}

void append_child(std::string& out, const Message& child, const Plan::Field& field) {
  if (field.timestamp)
    append_timestamp(out, child);
  else
    append_message(out, child, *field.message, nullptr);
}

void append_enum(std::string& out, int number, const Plan::Field& field) {
  const auto found = field.enum_values.find(number);
  // A value that this program's schema does not know yet is still told.
  if (found != field.enum_values.end())
    out += found->second;
  else
    append_number(out, number);
}

void append_value(std::string& out, const Message& message, const Reflection& reflection, const Plan::Field& field) {
  const FieldDescriptor* f = field.descriptor;
  std::string scratch;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return append_number(out, reflection.GetInt32(message, f));
    case FieldDescriptor::CPPTYPE_INT64:
      return append_number(out, reflection.GetInt64(message, f));
    case FieldDescriptor::CPPTYPE_UINT32:
      return append_number(out, reflection.GetUInt32(message, f));
    case FieldDescriptor::CPPTYPE_UINT64:
      return append_number(out, reflection.GetUInt64(message, f));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return append_double(out, reflection.GetDouble(message, f));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return append_double(out, static_cast<double>(reflection.GetFloat(message, f)));
    case FieldDescriptor::CPPTYPE_BOOL:
      out += reflection.GetBool(message, f) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      return append_enum(out, reflection.GetEnumValue(message, f), field);
    case FieldDescriptor::CPPTYPE_STRING:
      return append_quoted(out, reflection.GetStringReference(message, f, &scratch));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return append_child(out, reflection.GetMessage(message, f), field);
  }
}

void append_element(std::string& out, const Message& message, const Reflection& reflection, const Plan::Field& field,
                    int i) {
  const FieldDescriptor* f = field.descriptor;
  std::string scratch;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return append_number(out, reflection.GetRepeatedInt32(message, f, i));
    case FieldDescriptor::CPPTYPE_INT64:
      return append_number(out, reflection.GetRepeatedInt64(message, f, i));
    case FieldDescriptor::CPPTYPE_UINT32:
      return append_number(out, reflection.GetRepeatedUInt32(message, f, i));
    case FieldDescriptor::CPPTYPE_UINT64:
      return append_number(out, reflection.GetRepeatedUInt64(message, f, i));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return append_double(out, reflection.GetRepeatedDouble(message, f, i));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return append_double(out, static_cast<double>(reflection.GetRepeatedFloat(message, f, i)));
    case FieldDescriptor::CPPTYPE_BOOL:
      out += reflection.GetRepeatedBool(message, f, i) ? "true" : "false";
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      return append_enum(out, reflection.GetRepeatedEnumValue(message, f, i), field);
    case FieldDescriptor::CPPTYPE_STRING:
      return append_quoted(out, reflection.GetRepeatedStringReference(message, f, i, &scratch));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return append_child(out, reflection.GetRepeatedMessage(message, f, i), field);
  }
}

void append_list(std::string& out, const Message& message, const Reflection& reflection, const Plan::Field& field) {
  out += '[';
  const int size = reflection.FieldSize(message, field.descriptor);
  for (int i = 0; i < size; ++i) {
    if (i > 0) out += ',';
    append_element(out, message, reflection, field, i);
  }
  out += ']';
}

// Protobuf keeps maps in no order at all.
void append_map(std::string& out, const Message& message, const Reflection& reflection, const Plan::Field& field) {
  const Plan& entry_plan = *field.message;
  const Plan::Field& key = entry_plan.fields[0];
  check(key.descriptor->cpp_type() == FieldDescriptor::CPPTYPE_STRING, "only maps with string keys have a JSON here");
  std::vector<std::pair<std::string, const Message*>> entries;
  const int size = reflection.FieldSize(message, field.descriptor);
  for (int i = 0; i < size; ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, field.descriptor, i);
    entries.emplace_back(entry_plan.reflection->GetString(entry, key.descriptor), &entry);
  }
  std::sort(entries.begin(), entries.end());
  out += '{';
  for (const auto& [name, entry] : entries) {
    if (out.back() != '{') out += ',';
    append_quoted(out, name);
    out += ':';
    append_value(out, *entry, *entry_plan.reflection, entry_plan.fields[1]);
  }
  out += '}';
}

void append_message(std::string& out, const Message& message, const Plan& plan, const std::vector<std::string>* only) {
  const Reflection& reflection = *plan.reflection;
  char separator = '{';
  for (const Plan::Field& field : plan.fields) {
    if (only && std::find(only->begin(), only->end(), field.name) == only->end()) continue;
    if (field.optional && !reflection.HasField(message, field.descriptor)) continue;
    out += separator;
    separator = ',';
    out += field.prefix;
    if (field.descriptor->is_map())
      append_map(out, message, reflection, field);
    else if (field.descriptor->is_repeated())
      append_list(out, message, reflection, field);
    else
      append_value(out, message, reflection, field);
  }
  if (separator == '{') out += '{';
  out += '}';
}

}  // namespace

void append_json(std::string& out, const Message& message, const std::vector<std::string>* fields) {
  append_message(out, message, plan_of(message), fields);
}

std::string to_json(const Message& message, const std::vector<std::string>* fields) {
  std::string out;
  out.reserve(1024);
  append_json(out, message, fields);
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  std::size_t run = 0;  // start of what can be copied as it is
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    const std::size_t length = utf8_sequence_length(text, at);
    if (length > 1) {
      at += length;
      continue;
    }
    out += text.substr(run, at - run);
    switch (byte) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (length == 0) {
          out += "\xef\xbf\xbd";
        } else {
          out += "\\u00";
          out += hex[byte >> 4];
          out += hex[byte & 15];
        }
    }
    run = ++at;
  }
  out += text.substr(run);
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

}  // namespace everfold::json
