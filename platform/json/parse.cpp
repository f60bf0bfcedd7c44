#include "platform/json/parse.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <unordered_set>

#include "kernel/check.hpp"
#include "platform/json/utf8.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::json {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using rapidjson::Value;

constexpr std::size_t most_errors_told = 20;
constexpr std::size_t longest_name_told = 64;

std::string_view text_of(const Value& value) { return {value.GetString(), value.GetStringLength()}; }

// A client's own words in an answer: bounded.
std::string shortened(std::string_view name) {
  if (name.size() <= longest_name_told) return std::string(name);
  return std::string(name.substr(0, longest_name_told)) + "…";
}

std::string member_path(const std::string& parent, std::string_view name) {
  return parent.empty() ? shortened(name) : parent + "." + shortened(name);
}

std::string element_path(const std::string& parent, std::size_t i) { return parent + "[" + std::to_string(i) + "]"; }

class Reader {
 public:
  explicit Reader(const ParseOptions& options) : options_(options) {}

  std::vector<std::string> read_body(const Value& body, Message& message) {
    std::vector<std::string> given;
    given.reserve(body.MemberCount());
    refuse_duplicates(body, "");
    for (const auto& member : body.GetObject()) {
      const std::string_view name = text_of(member.name);
      given.emplace_back(name);
      if (read_extra(name, member.value)) continue;
      const FieldDescriptor* field = allowed(name) ? find(*message.GetDescriptor(), name) : nullptr;
      if (field)
        read_field(member.value, message, *field, shortened(name));
      else
        unknown(shortened(name), known_at_top(*message.GetDescriptor()));
    }
    return given;
  }

  std::optional<Rejection> rejection() {
    if (duplicate_) return std::move(duplicate_);
    if (errors_.empty()) return std::nullopt;
    Rejection rejection{Code::validation_failed, errors_.front().field + " " + errors_.front().message, {}};
    if (count_ > 1) rejection.message += "; " + std::to_string(count_ - 1) + " more fields are wrong, see details";
    rejection.details = std::move(errors_);
    return rejection;
  }

 private:
  void error(const std::string& path, std::string message) {
    if (++count_ <= most_errors_told) errors_.push_back({path, std::move(message)});
  }

  void unknown(const std::string& path, const std::string& known) {
    error(path, known.empty() ? "is not a field here: leave it out"
                              : "is not a field here: leave it out, or use one of " + known);
  }

  bool allowed(std::string_view name) const {
    const auto& names = options_.allowed;
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  }

  static const FieldDescriptor* find(const Descriptor& type, std::string_view json_name) {
    for (int i = 0; i < type.field_count(); ++i)
      if (type.field(i)->json_name() == json_name) return type.field(i);
    return nullptr;
  }

  static void append_name(std::string& names, std::string_view name) {
    if (!names.empty()) names += ", ";
    names += name;
  }

  static std::string known_fields(const Descriptor& type) {
    std::string names;
    for (int i = 0; i < type.field_count(); ++i) append_name(names, type.field(i)->json_name());
    return names;
  }

  std::string known_at_top(const Descriptor& type) const {
    std::string names;
    for (const auto& extra : options_.extra) append_name(names, extra.name);
    for (int i = 0; i < type.field_count(); ++i)
      if (allowed(type.field(i)->json_name())) append_name(names, type.field(i)->json_name());
    return names;
  }

  // The same name twice: two readers of such a body may see two different requests (RFC 8259, 4).
  void refuse_duplicates(const Value& object, const std::string& path) {
    std::unordered_set<std::string_view> seen;
    for (const auto& member : object.GetObject())
      if (!seen.insert(text_of(member.name)).second && !duplicate_)
        duplicate_ =
            reject(Code::malformed, "The body gives \"" + member_path(path, text_of(member.name)) + "\" twice.");
  }

  bool read_extra(std::string_view name, const Value& value) {
    for (const auto& extra : options_.extra) {
      if (extra.name != name) continue;
      if (const auto text = read_text(value, std::string(name))) *extra.value = std::string(*text);
      return true;
    }
    return false;
  }

  void read_field(const Value& value, Message& message, const FieldDescriptor& field, const std::string& path) {
    if (value.IsNull() && !field.is_repeated() && field.has_presence())
      return message.GetReflection()->ClearField(&message, &field);
    if (field.is_map()) return read_map(value, message, field, path);
    if (!field.is_repeated()) return read_value(value, message, field, path);
    if (!value.IsArray()) return error(path, "must be a list");
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) read_value(value[i], message, field, element_path(path, i));
  }

  void read_map(const Value& value, Message& message, const FieldDescriptor& field, const std::string& path) {
    const FieldDescriptor& key = *field.message_type()->map_key();
    check(key.cpp_type() == FieldDescriptor::CPPTYPE_STRING, "only maps with string keys can be read from JSON");
    if (!value.IsObject()) return error(path, "must be an object");
    refuse_duplicates(value, path);
    for (const auto& member : value.GetObject()) {
      const std::string entry_path = member_path(path, text_of(member.name));
      const auto name = read_text(member.name, entry_path);
      if (!name) continue;
      Message* entry = message.GetReflection()->AddMessage(&message, &field);
      entry->GetReflection()->SetString(entry, &key, std::string(*name));
      read_value(member.value, *entry, *field.message_type()->map_value(), entry_path);
    }
  }

  // One value, or one more element of a list.
  void read_value(const Value& value, Message& message, const FieldDescriptor& field, const std::string& path) {
    const auto& reflection = *message.GetReflection();
    const bool add = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        if (const auto number = read_integer<int32_t>(value, path))
          add ? reflection.AddInt32(&message, &field, *number) : reflection.SetInt32(&message, &field, *number);
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        if (const auto number = read_integer<int64_t>(value, path))
          add ? reflection.AddInt64(&message, &field, *number) : reflection.SetInt64(&message, &field, *number);
        return;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (!value.IsBool()) return error(path, "must be true or false");
        return add ? reflection.AddBool(&message, &field, value.GetBool())
                   : reflection.SetBool(&message, &field, value.GetBool());
      case FieldDescriptor::CPPTYPE_STRING:
        if (const auto text = read_text(value, path))
          add ? reflection.AddString(&message, &field, std::string(*text))
              : reflection.SetString(&message, &field, std::string(*text));
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        if (const auto number = read_enum(value, *field.enum_type(), path))
          add ? reflection.AddEnumValue(&message, &field, *number) : reflection.SetEnumValue(&message, &field, *number);
        return;
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* child = add ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field);
        return read_message(value, *child, path);
      }
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        fail("no command has a field of this type: " + field.full_name());
    }
  }

  void read_message(const Value& value, Message& message, const std::string& path) {
    const Descriptor& type = *message.GetDescriptor();
    if (&type == google::protobuf::Timestamp::descriptor())
      return read_time(value, static_cast<google::protobuf::Timestamp&>(message), path);
    if (!value.IsObject()) return error(path, "must be an object with " + known_fields(type));
    refuse_duplicates(value, path);
    for (const auto& member : value.GetObject()) {
      const std::string_view name = text_of(member.name);
      const std::string field_path = member_path(path, name);
      if (const FieldDescriptor* field = find(type, name))
        read_field(member.value, message, *field, field_path);
      else
        unknown(field_path, known_fields(type));
    }
  }

  void read_time(const Value& value, google::protobuf::Timestamp& time, const std::string& path) {
    const auto ms = value.IsString() ? parse_time(text_of(value)) : std::nullopt;
    if (!ms) return error(path, "must be a time by RFC 3339, such as \"2026-01-31T12:00:00.000Z\"");
    const int64_t rest_ms = (*ms % 1'000 + 1'000) % 1'000;  // nanos count forward from the second, before 1970 too
    time.set_seconds((*ms - rest_ms) / 1'000);
    time.set_nanos(static_cast<int32_t>(rest_ms * 1'000'000));
  }

  template <class Integer>
  std::optional<Integer> read_integer(const Value& value, const std::string& path) {
    constexpr auto least = std::numeric_limits<Integer>::min();
    constexpr auto most = std::numeric_limits<Integer>::max();
    if (value.IsInt64() && value.GetInt64() >= least && value.GetInt64() <= most)
      return static_cast<Integer>(value.GetInt64());
    // An integer with more digits than 64 bits hold reaches us as a double.
    const bool too_large =
        value.IsInt64() || value.IsUint64() || (value.IsDouble() && std::abs(value.GetDouble()) >= 0x1p63);
    error(path, too_large ? "is out of range" : "must be an integer");
    return std::nullopt;
  }

  std::optional<std::string_view> read_text(const Value& value, const std::string& path) {
    if (!value.IsString())
      error(path, value.IsNull() ? "must not be null" : "must be a string");
    else if (text_of(value).find('\0') != std::string_view::npos)
      error(path, "must not contain U+0000");
    else if (!is_utf8(text_of(value)))
      error(path, "has half of a surrogate pair");  // only an escape can bring it: "\udc00"
    else
      return text_of(value);
    return std::nullopt;
  }

  std::optional<int> read_enum(const Value& value, const google::protobuf::EnumDescriptor& type,
                               const std::string& path) {
    if (value.IsString()) {
      const auto* found = type.FindValueByName(std::string(text_of(value)));
      if (found && found->number() != 0) return found->number();
    }
    std::string names;
    for (int i = 0; i < type.value_count(); ++i)
      if (type.value(i)->number() != 0) append_name(names, type.value(i)->name());
    error(path, "must be one of " + names);
    return std::nullopt;
  }

  const ParseOptions& options_;
  std::vector<FieldError> errors_;
  std::size_t count_ = 0;  // of errors, told or not
  std::optional<Rejection> duplicate_;
};

Rejection syntax_error(const rapidjson::Document& document) {
  if (document.GetParseError() == rapidjson::kParseErrorDocumentEmpty)
    return reject(Code::malformed, "The body is empty: send a JSON object.");
  return reject(Code::malformed, "The body is not JSON in UTF-8: at byte " + std::to_string(document.GetErrorOffset()) +
                                     ": " + rapidjson::GetParseError_En(document.GetParseError()));
}

}  // namespace

Decided<std::vector<std::string>> parse_into(std::string_view json, Message& message, const ParseOptions& options) {
  // Iterative: a body of a million brackets must not use up the stack.
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  // The parser would take it for the end of its input.
  if (json.find('\0') != std::string_view::npos)
    return reject(Code::malformed, "The body is not JSON: it holds a zero byte.");
  rapidjson::Document document;
  document.Parse<flags>(json.data(), json.size());
  if (document.HasParseError()) return syntax_error(document);
  if (!document.IsObject()) return reject(Code::malformed, "The body must be a JSON object.");
  Reader reader(options);
  auto given = reader.read_body(document, message);
  if (auto rejection = reader.rejection()) return std::move(*rejection);
  return given;
}

}  // namespace everfold::json
