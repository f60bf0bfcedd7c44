// libsqlite3, as far as writing a database in bulk needs it. The only header of ours that stands for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace everfold::replay {

// Made if it is not there. What was committed stays, whatever happens to the process or the machine; what was not is
// gone then. Nobody else may open it meanwhile. One thread. Every method throws std::runtime_error with what SQLite
// says.
class SqliteDb {
 public:
  explicit SqliteDb(const std::string& path);
  ~SqliteDb();
  SqliteDb(const SqliteDb&) = delete;
  SqliteDb& operator=(const SqliteDb&) = delete;

  class Statement {
   public:
    ~Statement();
    // Parameters count from 1. Text and bytes must stay until run(), unless they are copied.
    void bind(int parameter, int64_t value);
    void bind(int parameter, double value);
    void bind(int parameter, std::string_view text);
    void bind_copy(int parameter, std::string_view text);
    void bind_bytes(int parameter, std::string_view bytes);
    void bind_null(int parameter);
    void run();  // an INSERT, say; parameters are unbound behind it
    // A SELECT: false behind the last row. Columns count from 0.
    bool next();
    int64_t integer(int column);
    std::string text(int column);

   private:
    friend class SqliteDb;
    struct Impl;
    explicit Statement(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
  };

  void execute(const std::string& sql);
  std::unique_ptr<Statement> prepare(const std::string& sql);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "order" → "\"order\""
std::string sql_name(std::string_view name);

}  // namespace everfold::replay
