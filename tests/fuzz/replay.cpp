// Feeds files, and all files below directories, to a fuzz target: fuzz_csv FILE|DIRECTORY… What crashes it is the input
// named last.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.hpp"

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& given) {
  if (!std::filesystem::is_directory(given)) return {given};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(given))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void replay(const std::filesystem::path& path) {
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  std::ifstream file(path, std::ios::binary);
  everfold::check(file.is_open(), "this input cannot be read");
  const std::string input((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  everfold::fuzz::try_input(input);
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t replayed = 0;
  everfold::fuzz::try_input("");
  for (int i = 1; i < count; ++i) {
    for (const auto& path : files_of(arguments[i])) {
      replay(path);
      ++replayed;
    }
  }
  std::printf("%zu inputs\n", replayed);
  return replayed > 0 ? 0 : 1;
}
