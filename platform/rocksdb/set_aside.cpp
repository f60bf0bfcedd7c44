#include "platform/rocksdb/set_aside.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

namespace everfold {
namespace {

namespace fs = std::filesystem;

// Whoever names a wrong directory must not find other files moved.
bool is_database_file(const fs::directory_entry& entry) {
  if (!entry.is_regular_file()) return false;
  const std::string name = entry.path().filename().string();
  const std::string_view stem = std::string_view(name).substr(0, name.find('.'));
  const bool numbered = !stem.empty() && std::all_of(stem.begin(), stem.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::string extension = entry.path().extension().string();
  if (numbered) return extension == ".sst" || extension == ".log" || extension == ".dbtmp";
  return name == "CURRENT" || name == "IDENTITY" || name == "LOCK" || name == "LOG" || name.starts_with("LOG.old.") ||
         name.starts_with("MANIFEST-") || name.starts_with("OPTIONS-");
}

std::vector<fs::path> database_files(const std::string& directory) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(directory))
    if (is_database_file(entry)) found.push_back(entry.path());
  return found;
}

}  // namespace

Opening::Opening(const std::string& directory) : path_(directory + "/opening") {
  if (std::ifstream before(path_); before) before >> unfinished_;
  std::ofstream(path_, std::ios::trunc) << unfinished_ + 1;
}

Opening::~Opening() {
  if (stays_) return;
  std::error_code stays;  // then it counts as unfinished: the next start says more
  fs::remove(path_, stays);
}

bool has_database_files(const std::string& directory) {
  const auto files = database_files(directory);
  // A LOCK and a LOG are made before anything is opened.
  return std::any_of(files.begin(), files.end(), [](const fs::path& file) {
    const std::string name = file.filename().string();
    return name != "LOCK" && !name.starts_with("LOG");
  });
}

void set_database_aside(const std::string& directory) {
  const fs::path aside = fs::path(directory) / "damaged";
  fs::remove_all(aside);
  fs::create_directory(aside);
  auto files = database_files(directory);
  std::partition(files.begin(), files.end(), [](const fs::path& file) { return file.filename() == "CURRENT"; });
  for (const fs::path& file : files) fs::rename(file, aside / file.filename());
}

}  // namespace everfold
