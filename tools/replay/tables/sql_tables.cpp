#include "tools/replay/tables/sql_tables.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include "platform/json/write.hpp"
#include "runtime/log/stored_event.hpp"

namespace everfold::replay {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Statement = SqliteDb::Statement;
using Path = std::vector<const FieldDescriptor*>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_timestamp(const Descriptor* type) { return type == google::protobuf::Timestamp::descriptor(); }

const char* sql_type(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_BOOL:
      return "INTEGER";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "REAL";
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_BYTES ? "BLOB" : "TEXT";
    case FieldDescriptor::CPPTYPE_ENUM:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "TEXT";
  }
  return "";
}

// Flattens a message into columns, and repeated fields into children, or into JSON where there are no children.
class Flattening {
 public:
  Flattening(std::vector<std::string> taken, std::vector<SqlColumn>& columns)
      : taken_(std::move(taken)), columns_(columns) {}

  void children_into(std::vector<SqlChild>& children, const std::string& table) {
    children_ = &children;
    table_ = table;
  }
  void message(const Descriptor& type, const Path& path, const std::string& prefix) {
    within_.push_back(&type);
    for (int i = 0; i < type.field_count(); ++i) field(*type.field(i), path, prefix);
    within_.pop_back();
  }
  void column(std::string name, std::string type, Path path, bool as_json) {
    while (std::find(taken_.begin(), taken_.end(), lower(name)) != taken_.end()) name = "data_" + name;
    taken_.push_back(lower(name));
    columns_.push_back({std::move(name), std::move(type), std::move(path), as_json});
  }

 private:
  void field(const FieldDescriptor& field, Path path, const std::string& prefix) {
    path.push_back(&field);
    const std::string name = prefix + field.name();
    const Descriptor* type = field.message_type();
    if (field.is_repeated() && children_) return child(name, path);
    const bool holds_itself = type && std::find(within_.begin(), within_.end(), type) != within_.end();
    if (field.is_repeated() || holds_itself) return column(name, "TEXT", std::move(path), true);
    if (type && !is_timestamp(type)) return message(*type, path, name + "_");
    column(name, sql_type(field), std::move(path), false);
  }

  void child(const std::string& name, const Path& path) {
    const FieldDescriptor& repeated = *path.back();
    SqlChild child{table_ + "_" + name, path, {}};
    // "place" is left to lists, though a map has none: the same names everywhere.
    Flattening flattening({"event", "row_key", "place"}, child.columns);
    if (repeated.message_type() && !is_timestamp(repeated.message_type()))
      flattening.message(*repeated.message_type(), {}, "");
    else
      flattening.column("value", sql_type(repeated), {}, false);
    children_->push_back(std::move(child));
  }

  std::vector<std::string> taken_;
  std::vector<SqlColumn>& columns_;
  std::vector<SqlChild>* children_ = nullptr;
  std::string table_;
  std::vector<const Descriptor*> within_;
};

void bind_unsigned(Statement& statement, int parameter, uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    statement.bind(parameter, static_cast<int64_t>(value));
  else
    statement.bind_copy(parameter, std::to_string(value));  // SQLite has no larger integers
}

void bind_enum(Statement& statement, int parameter, const FieldDescriptor& field, int number) {
  const auto* value = field.enum_type()->FindValueByNumber(number);
  value ? statement.bind(parameter, std::string_view(value->name()))
        : statement.bind_copy(parameter, std::to_string(number));
}

void bind_time(Statement& statement, int parameter, const Message& message) {
  const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
  statement.bind_copy(parameter, format_time(time.seconds() * 1'000 + time.nanos() / 1'000'000));
}

void bind_text(Statement& statement, int parameter, const FieldDescriptor& field, const std::string& text) {
  field.type() == FieldDescriptor::TYPE_BYTES ? statement.bind_bytes(parameter, text) : statement.bind(parameter, text);
}

void bind_value(Statement& statement, int at, const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::string unused;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return statement.bind(at, int64_t{reflection.GetInt32(message, &field)});
    case FieldDescriptor::CPPTYPE_INT64:
      return statement.bind(at, static_cast<int64_t>(reflection.GetInt64(message, &field)));
    case FieldDescriptor::CPPTYPE_UINT32:
      return statement.bind(at, int64_t{reflection.GetUInt32(message, &field)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return bind_unsigned(statement, at, reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return statement.bind(at, int64_t{reflection.GetBool(message, &field)});
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return statement.bind(at, reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return statement.bind(at, static_cast<double>(reflection.GetFloat(message, &field)));
    case FieldDescriptor::CPPTYPE_STRING:
      return bind_text(statement, at, field, reflection.GetStringReference(message, &field, &unused));
    case FieldDescriptor::CPPTYPE_ENUM:
      return bind_enum(statement, at, field, reflection.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return bind_time(statement, at, reflection.GetMessage(message, &field));
  }
}

// Of plain values.
void bind_element(Statement& statement, int at, const Message& message, const FieldDescriptor& field, int i) {
  const Reflection& reflection = *message.GetReflection();
  std::string unused;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return statement.bind(at, int64_t{reflection.GetRepeatedInt32(message, &field, i)});
    case FieldDescriptor::CPPTYPE_INT64:
      return statement.bind(at, static_cast<int64_t>(reflection.GetRepeatedInt64(message, &field, i)));
    case FieldDescriptor::CPPTYPE_UINT32:
      return statement.bind(at, int64_t{reflection.GetRepeatedUInt32(message, &field, i)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return bind_unsigned(statement, at, reflection.GetRepeatedUInt64(message, &field, i));
    case FieldDescriptor::CPPTYPE_BOOL:
      return statement.bind(at, int64_t{reflection.GetRepeatedBool(message, &field, i)});
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return statement.bind(at, reflection.GetRepeatedDouble(message, &field, i));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return statement.bind(at, static_cast<double>(reflection.GetRepeatedFloat(message, &field, i)));
    case FieldDescriptor::CPPTYPE_STRING:
      return bind_text(statement, at, field, reflection.GetRepeatedStringReference(message, &field, i, &unused));
    case FieldDescriptor::CPPTYPE_ENUM:
      return bind_enum(statement, at, field, reflection.GetRepeatedEnumValue(message, &field, i));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return bind_time(statement, at, reflection.GetRepeatedMessage(message, &field, i));
  }
}

// The message that holds the path's last field; nullptr: one on the way is unset.
const Message* holder_of(const Message& message, const Path& path) {
  const Message* holder = &message;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (!holder->GetReflection()->HasField(*holder, path[i])) return nullptr;
    holder = &holder->GetReflection()->GetMessage(*holder, path[i]);
  }
  return holder;
}

void bind_column(Statement& statement, int at, const Message& message, const SqlColumn& column) {
  const Message* holder = holder_of(message, column.path);
  const FieldDescriptor& field = *column.path.back();
  if (!holder || (field.has_presence() && !holder->GetReflection()->HasField(*holder, &field)))
    return statement.bind_null(at);
  if (!column.as_json) return bind_value(statement, at, *holder, field);
  const std::vector<std::string> only{field.json_name()};
  const std::string object = json::to_json(*holder, &only);  // {"name":…}
  const std::size_t begin = json::quoted(only[0]).size() + 2;
  statement.bind_copy(at, std::string_view(object).substr(begin, object.size() - begin - 1));
}

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

std::string definitions(const std::vector<SqlColumn>& columns) {
  std::string sql;
  for (const SqlColumn& column : columns) sql += ", " + sql_name(column.name) + " " + column.type;
  return sql;
}

std::string insert_into(const std::string& table, std::size_t parameters) {
  std::string sql = "INSERT INTO " + sql_name(table) + " VALUES (?";
  for (std::size_t i = 1; i < parameters; ++i) sql += ", ?";
  return sql + ")";
}

bool joined_by(const std::string& column) { return column == "sku" || column == "id" || column.ends_with("_id"); }

}  // namespace

std::string snake_case(std::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !snake.empty()) snake += '_';
    snake += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return snake;
}

SqlTable sql_table(const Descriptor& message, std::string table, std::vector<std::string> taken) {
  SqlTable made;
  made.table = std::move(table);
  Flattening flattening(std::move(taken), made.columns);
  flattening.children_into(made.children, made.table);
  flattening.message(message, {}, "");
  return made;
}

MessageTable::MessageTable(SqliteDb& db, SqlTable table, const std::vector<std::string>& own)
    : db_(db), table_(std::move(table)), own_(static_cast<int>(own.size())), key_(first_word(own.front())) {
  std::string sql = "CREATE TABLE IF NOT EXISTS " + sql_name(table_.table) + " (" + own.front();
  for (std::size_t i = 1; i < own.size(); ++i) sql += ", " + own[i];
  db_.execute(sql + definitions(table_.columns) + ")");
  insert_ = db_.prepare(insert_into(table_.table, own.size() + table_.columns.size()));

  const std::string key_type = own.front().find("INTEGER") == std::string::npos ? "TEXT" : "INTEGER";
  for (const SqlChild& child : table_.children) {
    const bool map = child.field().is_map();
    std::string columns = sql_name(key_) + " " + key_type + " NOT NULL";
    if (!map) columns += ", place INTEGER NOT NULL";
    const std::string second = map ? "key" : "place";
    db_.execute("CREATE TABLE IF NOT EXISTS " + sql_name(child.table) + " (" + columns + definitions(child.columns) +
                ", PRIMARY KEY (" + sql_name(key_) + ", " + second + ")) WITHOUT ROWID");
    insert_children_.push_back(db_.prepare(insert_into(child.table, child.columns.size() + (map ? 1 : 2))));
  }
}

void MessageTable::insert(const Message& message, const BindOwn& bind_own, const BindOwn& bind_key) {
  bind_own(*insert_);
  int at = own_;
  for (const SqlColumn& column : table_.columns) bind_column(*insert_, ++at, message, column);
  insert_->run();
  ++rows_;
  for (std::size_t i = 0; i < table_.children.size(); ++i) insert_elements(message, i, bind_key);
}

void MessageTable::insert_elements(const Message& message, std::size_t index, const BindOwn& bind_key) {
  const SqlChild& child = table_.children[index];
  Statement& statement = *insert_children_[index];
  const Message* holder = holder_of(message, child.path);
  if (!holder) return;
  const FieldDescriptor& field = child.field();
  const Reflection& reflection = *holder->GetReflection();
  const bool plain = !field.message_type() || is_timestamp(field.message_type());
  for (int i = 0; i < reflection.FieldSize(*holder, &field); ++i) {
    int at = 1;
    bind_key(statement);
    if (!field.is_map()) statement.bind(++at, int64_t{i});
    if (plain) {
      bind_element(statement, ++at, *holder, field, i);
    } else {
      const Message& element = reflection.GetRepeatedMessage(*holder, &field, i);
      for (const SqlColumn& column : child.columns) bind_column(statement, ++at, element, column);
    }
    statement.run();
  }
}

void MessageTable::make_indexes(const std::vector<std::string>& own_columns) {
  const auto make = [&](const std::string& table, const std::string& column) {
    db_.execute("CREATE INDEX " + sql_name(table + "__" + column) + " ON " + sql_name(table) + " (" + sql_name(column) +
                ")");
  };
  for (const std::string& column : own_columns) make(table_.table, column);
  for (const SqlColumn& column : table_.columns)
    if (joined_by(column.name)) make(table_.table, column.name);
  for (const SqlChild& child : table_.children)
    for (const SqlColumn& column : child.columns)
      if (joined_by(column.name)) make(child.table, column.name);
}

}  // namespace everfold::replay
