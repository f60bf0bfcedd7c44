#include "tools/replay/tables/sqlite_db.hpp"

#include <sqlite3.h>

#include <stdexcept>

namespace everfold::replay {
namespace {

[[noreturn]] void fail(sqlite3* db, const std::string& doing) {
  throw std::runtime_error(doing + ": " + sqlite3_errmsg(db));
}

}  // namespace

struct SqliteDb::Impl {
  std::string path;
  sqlite3* db = nullptr;
};

struct SqliteDb::Statement::Impl {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;

  void require(int code) const {
    if (code != SQLITE_OK) fail(db, "binding a value");
  }
};

SqliteDb::SqliteDb(const std::string& path) : impl_(new Impl{path}) {
  if (sqlite3_open(path.c_str(), &impl_->db) != SQLITE_OK) {
    const std::string why = sqlite3_errmsg(impl_->db);
    sqlite3_close(impl_->db);
    throw std::runtime_error("opening " + path + ": " + why);
  }
  execute("PRAGMA page_size = 8192");
  execute("PRAGMA locking_mode = EXCLUSIVE");
  execute("PRAGMA cache_size = -65536");  // 64 MiB
  execute("PRAGMA temp_store = MEMORY");  // what an index is sorted in
}

SqliteDb::~SqliteDb() { sqlite3_close_v2(impl_->db); }

void SqliteDb::execute(const std::string& sql) {
  if (sqlite3_exec(impl_->db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(impl_->db, impl_->path + ": " + sql);
}

std::unique_ptr<SqliteDb::Statement> SqliteDb::prepare(const std::string& sql) {
  auto impl = std::make_unique<Statement::Impl>();
  impl->db = impl_->db;
  if (sqlite3_prepare_v3(impl_->db, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &impl->statement, nullptr) != SQLITE_OK)
    fail(impl_->db, impl_->path + ": " + sql);
  return std::unique_ptr<Statement>(new Statement(std::move(impl)));
}

void SqliteDb::close() {
  if (sqlite3_close(impl_->db) != SQLITE_OK) fail(impl_->db, "closing " + impl_->path);
  impl_->db = nullptr;
}

SqliteDb::Statement::Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteDb::Statement::~Statement() { sqlite3_finalize(impl_->statement); }

void SqliteDb::Statement::bind(int parameter, int64_t value) {
  impl_->require(sqlite3_bind_int64(impl_->statement, parameter, value));
}
void SqliteDb::Statement::bind(int parameter, double value) {
  impl_->require(sqlite3_bind_double(impl_->statement, parameter, value));
}
void SqliteDb::Statement::bind(int parameter, std::string_view text) {
  impl_->require(sqlite3_bind_text64(impl_->statement, parameter, text.data() ? text.data() : "", text.size(),
                                     SQLITE_STATIC, SQLITE_UTF8));
}
void SqliteDb::Statement::bind_copy(int parameter, std::string_view text) {
  impl_->require(
      sqlite3_bind_text64(impl_->statement, parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void SqliteDb::Statement::bind_bytes(int parameter, std::string_view bytes) {
  impl_->require(
      sqlite3_bind_blob64(impl_->statement, parameter, bytes.data() ? bytes.data() : "", bytes.size(), SQLITE_STATIC));
}
void SqliteDb::Statement::bind_null(int parameter) { impl_->require(sqlite3_bind_null(impl_->statement, parameter)); }

void SqliteDb::Statement::run() {
  if (sqlite3_step(impl_->statement) != SQLITE_DONE) fail(impl_->db, "writing a row");
  sqlite3_reset(impl_->statement);
  sqlite3_clear_bindings(impl_->statement);
}

bool SqliteDb::Statement::next() {
  const int code = sqlite3_step(impl_->statement);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(impl_->db, "reading a row");
  sqlite3_reset(impl_->statement);
  return false;
}
int64_t SqliteDb::Statement::integer(int column) { return sqlite3_column_int64(impl_->statement, column); }
std::string SqliteDb::Statement::text(int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(impl_->statement, column));
  return {text ? text : "", static_cast<std::size_t>(sqlite3_column_bytes(impl_->statement, column))};
}

std::string sql_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace everfold::replay
