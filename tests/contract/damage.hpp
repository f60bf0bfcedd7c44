// What disks, crashes and people do to files, by chance that a seed repeats.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace everfold::testing {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline std::vector<std::filesystem::path> files_of(const std::string& folder, const std::string& name_contains = "") {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename().string().find(name_contains) != std::string::npos)
      found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

// The files as a killed process would have left them. A database that is open makes and deletes files meanwhile: again until it did not.
inline void copy_folder(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  for (;;) {
    fs::remove_all(to);
    fs::create_directories(to);
    const auto before = files_of(from);
    std::error_code vanished;
    for (const auto& file : before) fs::copy_file(file, to + "/" + file.filename().string(), vanished);
    if (!vanished && files_of(from) == before) return;
  }
}

// How many seeds a test of damage tries. More by hand: EVERFOLD_DAMAGE_SEEDS=5000
inline uint64_t damage_seeds(uint64_t usually) {
  const char* wanted = std::getenv("EVERFOLD_DAMAGE_SEEDS");
  return wanted ? std::stoull(wanted) : usually;
}

class Damage {
 public:
  explicit Damage(uint64_t seed) : random_(seed) {}

  // Does one thing to one file; returns what.
  std::string one(const std::string& folder) {
    // Half of the time not a table: there are many of them, and the small files rule over them.
    auto files = files_of(folder);
    std::erase_if(files, [](const auto& file) { return file.filename().string().starts_with("LO"); });  // LOG, LOCK: never read
    if (below(2) == 0) std::erase_if(files, [](const auto& file) { return file.extension() == ".sst"; });
    const auto& file = files[below(files.size())];
    std::string bytes = read_file(file);
    const std::size_t size = bytes.size(), at = size == 0 ? 0 : below(size);
    std::string what;
    switch (size == 0 ? 6 : below(8)) {
      case 0:
        what = "a bit of byte " + std::to_string(at);
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        what = "random bytes from " + std::to_string(at);
        for (std::size_t i = at; i < std::min(size, at + 1 + below(64)); ++i) bytes[i] = static_cast<char>(below(256));
        break;
      case 2:
        what = "zeros from " + std::to_string(at);
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min(size - at, 1 + below(600)), '\0');
        break;
      case 3:
        what = "cut at " + std::to_string(at);
        bytes.resize(at);
        break;
      case 4:
        what = "its end is zeros from " + std::to_string(at);  // what some file systems leave after a crash
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), '\0');
        break;
      case 5: {
        const auto& other = files[below(files.size())];
        what = "another's bytes, those of " + other.filename().string();
        bytes = read_file(other);
        break;
      }
      case 6:
        std::filesystem::remove(file);
        return file.filename().string() + ": deleted";
      default:
        what = "garbage appended";
        for (std::size_t i = 1 + below(300); i > 0; --i) bytes += static_cast<char>(below(256));
    }
    write_file(file, bytes);
    return file.filename().string() + ": " + what;
  }

 private:
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  std::mt19937_64 random_;
};

// A RocksDB log or manifest: 7 bytes of header (checksum, length, type), then the rest of a record; none lies across a 32 KiB border.
inline std::vector<std::size_t> record_offsets(const std::string& bytes) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at + 7 <= bytes.size();) {
    const std::size_t block_left = 32'768 - at % 32'768;
    if (block_left < 7) {
      at += block_left;
      continue;
    }
    offsets.push_back(at);
    at += 7u + static_cast<unsigned char>(bytes[at + 4]) + 256u * static_cast<unsigned char>(bytes[at + 5]);
  }
  return offsets;
}

}  // namespace everfold::testing
