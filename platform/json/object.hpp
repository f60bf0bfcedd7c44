// A JSON object written member by member, for answers that are no Protobuf message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/json/write.hpp"

namespace everfold::json {

class Object {
 public:
  Object& text(std::string_view name, std::string_view value) {
    append_quoted(begin(name), value);
    return *this;
  }
  Object& number(std::string_view name, int64_t value) {
    begin(name) += std::to_string(value);
    return *this;
  }
  Object& boolean(std::string_view name, bool value) {
    begin(name) += value ? "true" : "false";
    return *this;
  }
  // `value`: JSON already.
  Object& json(std::string_view name, std::string_view value) {
    begin(name) += value;
    return *this;
  }
  Object& message(std::string_view name, const google::protobuf::Message& value) {
    append_json(begin(name), value);
    return *this;
  }

  std::string str() const { return out_ + '}'; }

 private:
  std::string& begin(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    append_quoted(out_, name);
    return out_ += ':';
  }

  std::string out_ = "{";
};

}  // namespace everfold::json
