// What has been published, and what may become of it. A record that was written once is read for ever, so the messages
// of records only grow: fields, values, messages and event types are added, never removed, renumbered or given another
// name, type or label.
//
// Free to change is what never outlives the code that wrote it: rows of views (views.proto: folded anew when their
// view's version is raised), snapshots (snapshot.proto: thrown away when theirs is)
// and bodies of HTTP requests (admin.proto).
#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::schemas {

bool may_change(std::string_view proto_file);

struct Published {
  struct Type {
    std::string file;
    std::map<int, std::string>
        members;  // by number: "optional string customer_id", "oneof outcome: …Done done"; an enum's names
    bool operator==(const Type&) const = default;
  };
  std::map<std::string, Type> types;                    // "message everfold.orders.v1.OrderPlaced", "enum …"
  std::map<std::string, std::set<std::string>> events;  // by context: the types that can be read, former versions too
  bool operator==(const Published&) const = default;
};

// Of the files that may not change.
void add_types(Published& published, const google::protobuf::FileDescriptor& file);

std::string to_text(const Published& published);
// Throws std::runtime_error that names the line.
Published parse_published(std::string_view text);

// A sentence or two each, with file, message, field and remedy; none: all that was published can be read.
std::vector<std::string> breaches(const Published& published, const Published& today);

}  // namespace everfold::schemas
