// Private to platform/rocksdb.
#pragma once

#include <string>

namespace everfold {

// Damage can make RocksDB end the program while it opens a database: Debian's has its assertions on. Such a start must not be followed by
// the same for ever. Counts, in a file of the directory, the openings that did not come to an end.
class Opening {
 public:
  explicit Opening(const std::string& directory);
  ~Opening();  // it came to an end, well or not
  bool fatal() const { return unfinished_ >= 2; }  // one may be a kill's
  void stay_fatal() { stays_ = true; }             // until the file is deleted
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

 private:
  const std::string path_;
  int unfinished_ = 0;
  bool stays_ = false;
};
inline constexpr const char* fatal_opening = "opening it ended the program, twice";

bool has_database_files(const std::string& directory);
// Moves the database's own files of `directory` into its subfolder `damaged`, in place of those that were there: the last ones are
// enough for a look. A crash in the middle leaves files without a CURRENT, which no database has. Throws std::filesystem::filesystem_error.
void set_database_aside(const std::string& directory);

}  // namespace everfold
