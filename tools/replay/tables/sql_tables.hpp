// Protobuf messages as SQL tables, from their descriptors alone.
//
//   int32 … uint64, bool   INTEGER            a message of one    its fields, flattened: total_amount, total_currency
//   double, float          REAL               Timestamp           TEXT, RFC 3339 in UTC with milliseconds
//   string                 TEXT               repeated, map       a table of its own, <table>_<field>, a row an element
//   bytes                  BLOB               … within those, or a message that holds itself: TEXT, JSON
//   enum                   TEXT, its name
//
// What is unset and can tell so is NULL.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/replay/tables/sqlite_db.hpp"

namespace everfold::replay {

struct SqlColumn {
  std::string name;
  std::string type;
  std::vector<const google::protobuf::FieldDescriptor*> path;  // from the message, or a child's element, to the value
  bool as_json = false;
};

// A row an element of a repeated field. Its columns are those of the element's message, `key` and `value` of a map, or
// `value` alone.
struct SqlChild {
  std::string table;
  std::vector<const google::protobuf::FieldDescriptor*> path;  // to the repeated field
  std::vector<SqlColumn> columns;

  const google::protobuf::FieldDescriptor& field() const { return *path.back(); }
};

struct SqlTable {
  std::string table;
  std::vector<SqlColumn> columns;
  std::vector<SqlChild> children;
};

// "OrderPlaced" → "order_placed"
std::string snake_case(std::string_view camel);
// A field whose column has a name in `taken` (lower case) is called data_<name>.
SqlTable sql_table(const google::protobuf::Descriptor& message, std::string table, std::vector<std::string> taken);

// A table that exists or is made, to be filled. The caller's columns come first; by the first of them, the row's key, the
// children's rows are joined, whose next column is `place`, from 0 (a map's have none: their second is `key`).
class MessageTable {
 public:
  // `own`: "event INTEGER PRIMARY KEY" and so on.
  MessageTable(SqliteDb& db, SqlTable table, const std::vector<std::string>& own);

  // Binds the caller's parameters; for a child's row only the first.
  using BindOwn = std::function<void(SqliteDb::Statement& statement)>;
  void insert(const google::protobuf::Message& message, const BindOwn& bind_own, const BindOwn& bind_key);
  // Of what one joins by: columns called sku, id or something_id, and those of the caller's that are given.
  void make_indexes(const std::vector<std::string>& own_columns);

  const std::string& name() const { return table_.table; }
  int64_t rows() const { return rows_; }

 private:
  void insert_elements(const google::protobuf::Message& message, std::size_t child, const BindOwn& bind_key);

  SqliteDb& db_;
  SqlTable table_;
  int own_ = 0;
  std::string key_;  // the first of the caller's columns
  std::unique_ptr<SqliteDb::Statement> insert_;
  std::vector<std::unique_ptr<SqliteDb::Statement>> insert_children_;
  int64_t rows_ = 0;
};

}  // namespace everfold::replay
