#include "tools/schemas/published.hpp"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

namespace everfold::schemas {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr std::string_view head =
    R"(# What has been published: every message that lies in a log or topic, or travels between nodes. The build fails when the
# schemas do not keep it (CONTRIBUTING.md, "Changing an event"). What was added is added here by:
#   ./dev build publish_schemas
# Not here, because they may change freely: views.proto (folded anew by version), snapshot.proto (thrown away by version).
)";
constexpr std::string_view remedy =
    " Records that were written so are read for ever: put it back, or make the message's next version "
    "(CONTRIBUTING.md, \"Changing an event\").";

std::string type_text(const FieldDescriptor& field) {
  if (const Descriptor* message = field.message_type()) return message->full_name();
  if (const EnumDescriptor* values = field.enum_type()) return values->full_name();
  return field.type_name();
}

std::string declared(const FieldDescriptor& field) {
  if (field.is_map()) {
    const Descriptor& entry = *field.message_type();
    return "map<" + type_text(*entry.map_key()) + ", " + type_text(*entry.map_value()) + "> " + field.name();
  }
  std::string text;
  if (const auto* oneof = field.real_containing_oneof())
    text = "oneof " + oneof->name() + ": ";
  else if (field.is_repeated())
    text = "repeated ";
  else if (field.is_required())
    text = "required ";
  else if (field.has_optional_keyword())
    text = "optional ";
  return text + type_text(field) + " " + field.name();
}

void add(Published& published, const std::string& file, const EnumDescriptor& values) {
  auto& type = published.types["enum " + values.full_name()];
  type.file = file;
  for (int i = 0; i < values.value_count(); ++i) {
    std::string& names = type.members[values.value(i)->number()];
    names += (names.empty() ? "" : " = ") + values.value(i)->name();
  }
}

void add(Published& published, const std::string& file, const Descriptor& message) {
  if (message.options().map_entry()) return;
  auto& type = published.types["message " + message.full_name()];
  type.file = file;
  for (int i = 0; i < message.field_count(); ++i)
    type.members[message.field(i)->number()] = declared(*message.field(i));
  for (int i = 0; i < message.nested_type_count(); ++i) add(published, file, *message.nested_type(i));
  for (int i = 0; i < message.enum_type_count(); ++i) add(published, file, *message.enum_type(i));
}

std::string_view name_in(std::string_view declaration) { return declaration.substr(declaration.rfind(' ') + 1); }

// Where a member of that name is now; 0 is a value's number too, so nothing is nullptr.
const int* number_of(const Published::Type& type, std::string_view name) {
  for (const auto& [number, declaration] : type.members)
    if (name_in(declaration) == name) return &number;
  return nullptr;
}

void compare_members(const std::string& name, const Published::Type& before, const Published::Type& now,
                     std::vector<std::string>& found) {
  const std::string member = name.starts_with("enum ") ? "value " : "field ";
  for (const auto& [number, declaration] : before.members) {
    const std::string was =
        now.file + ": " + name + ": " + member + std::to_string(number) + " was \"" + declaration + "\"";
    const auto today = now.members.find(number);
    if (today != now.members.end() && today->second == declaration) continue;
    std::string sentence =
        was + (today == now.members.end() ? " and is gone" : " and is \"" + today->second + "\" now");
    if (const int* moved = number_of(now, name_in(declaration)); moved && *moved != number)
      sentence += "; " + std::string(name_in(declaration)) + " has the number " + std::to_string(*moved);
    found.push_back(sentence + "." + std::string(remedy));
  }
}

[[noreturn]] void fail_at(int line, const std::string& text) {
  throw std::runtime_error("line " + std::to_string(line) +
                           " is not one that `./dev build publish_schemas` writes: \"" + text + '"');
}

class Parser {
 public:
  Published parse(std::string_view text) {
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
      ++line_;
      if (!line.empty() && line[0] != '#') take(line);
    }
    return std::move(published_);
  }

 private:
  void take(const std::string& line) {
    const std::size_t indent = line.find_first_not_of(' ');
    const std::string text = line.substr(std::min(indent, line.size()));
    if (indent == 0)
      take_head(text);
    else if (indent == 2 && events_)
      events_->insert(text);
    else if (indent == 2 && (text.starts_with("message ") || text.starts_with("enum ")))
      (type_ = &published_.types[text])->file = file_;
    else if (indent == 4 && type_)
      take_member(text);
    else
      fail_at(line_, line);
  }
  void take_head(const std::string& text) {
    type_ = nullptr;
    events_ = text.starts_with("events ") ? &published_.events[text.substr(7)] : nullptr;
    file_ = text;
  }
  void take_member(const std::string& text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || *end != ' ') fail_at(line_, text);
    type_->members[number] = std::string(end + 1);
  }

  Published published_;
  int line_ = 0;
  std::string file_;
  std::set<std::string>* events_ = nullptr;
  Published::Type* type_ = nullptr;
};

}  // namespace

bool may_change(std::string_view proto_file) {
  return proto_file.ends_with("/views.proto") || proto_file.ends_with("/snapshot.proto") || proto_file.ends_with("/admin.proto");
}

void add_types(Published& published, const google::protobuf::FileDescriptor& file) {
  if (may_change(file.name())) return;
  for (int i = 0; i < file.message_type_count(); ++i) add(published, file.name(), *file.message_type(i));
  for (int i = 0; i < file.enum_type_count(); ++i) add(published, file.name(), *file.enum_type(i));
}

std::string to_text(const Published& published) {
  std::map<std::string, std::string> files;
  for (const auto& [name, type] : published.types) {
    std::string& text = files[type.file];
    text += "  " + name + "\n";
    for (const auto& [number, declaration] : type.members)
      text += "    " + std::to_string(number) + " " + declaration + "\n";
  }
  std::string text(head);
  for (const auto& [file, types] : files) text += "\n" + file + "\n" + types;
  for (const auto& [context, types] : published.events) {
    text += "\nevents " + context + "\n";
    for (const auto& type : types) text += "  " + type + "\n";
  }
  return text;
}

Published parse_published(std::string_view text) { return Parser().parse(text); }

std::vector<std::string> breaches(const Published& published, const Published& today) {
  std::vector<std::string> found;
  for (const auto& [name, type] : published.types) {
    const auto now = today.types.find(name);
    if (now == today.types.end())
      found.push_back(type.file + ": " + name + " was published and is gone." + std::string(remedy));
    else
      compare_members(name, type, now->second, found);
  }
  for (const auto& [context, types] : published.events)
    for (const auto& type : types) {
      const auto now = today.events.find(context);
      if (now == today.events.end() || !now->second.contains(type))
        found.push_back("schemas/" + context + "/events.hpp: event type " + type +
                        " was published and is read by no code any more. Put it back into the variant, or list an "
                        "upcaster that makes its "
                        "next version of it (CONTRIBUTING.md, \"Changing an event\").");
    }
  return found;
}

}  // namespace everfold::schemas
