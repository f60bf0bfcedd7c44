#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "platform/rocksdb/live_pointer.hpp"
#include "platform/rocksdb/view_store.hpp"

namespace everfold {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) fail("opening");
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(const std::string& text) {
    if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("writing");
  }
  void sync() {
    if (::fsync(fd_) != 0) fail("syncing");
  }

 private:
  [[noreturn]] void fail(const char* what) {
    throw ViewUnwritable(std::string(what) + " " + path_ + ": " + std::strerror(errno));
  }
  std::string path_;
  int fd_;
};

}  // namespace

void replace_file(const std::string& directory, const std::string& name, const std::string& text) {
  const std::string path = directory + "/" + name, next = path + ".next";
  {
    Descriptor file(next, O_WRONLY | O_CREAT | O_TRUNC);
    file.write(text);
    file.sync();
  }
  fs::rename(next, path);
  Descriptor(directory, O_RDONLY | O_DIRECTORY).sync();
}

std::string text_of_file(const std::string& path) {
  std::ifstream text(path);
  return std::string{std::istreambuf_iterator<char>(text), {}};
}

int64_t read_live_pointer(const std::string& view_directory) {
  const int fd = ::open((view_directory + "/live").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[32];
  const ssize_t size = ::read(fd, text, sizeof text);
  ::close(fd);
  std::string_view number(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  if (number.ends_with('\n')) number.remove_suffix(1);
  return number_of(number).value_or(0);
}

RocksViewShelf::RocksViewShelf(std::string views_directory, std::string view, const RocksMemory& memory)
    : directory_(std::move(views_directory) + "/" + view), memory_(memory) {
  fs::create_directories(directory_);
}

std::string RocksViewShelf::folder(int64_t generation) const { return directory_ + "/" + std::to_string(generation); }

int64_t RocksViewShelf::live() const { return read_live_pointer(directory_); }

std::vector<int64_t> RocksViewShelf::generations() const {
  std::vector<int64_t> found;
  std::error_code gone;  // the whole folder: there are none
  for (const auto& entry : fs::directory_iterator(directory_, gone))
    if (const auto number = number_of(entry.path().filename().string())) found.push_back(*number);
  std::sort(found.begin(), found.end());
  return found;
}

ViewShelf::Opened RocksViewShelf::open(int64_t generation) {
  auto store = RocksViewStore::open(folder(generation), memory_);
  const int version = store->code_version();
  return {std::move(store), version};
}

std::unique_ptr<ViewStore> RocksViewShelf::create(int64_t generation, int code_version) {
  fs::create_directories(directory_);
  return RocksViewStore::create(folder(generation), code_version, memory_);
}

void RocksViewShelf::set_live(int64_t generation) {
  replace_file(directory_, "live", std::to_string(generation) + "\n");
}

std::string RocksViewShelf::note_path(int64_t generation, const std::string& name) const {
  return (generation == 0 ? directory_ : folder(generation)) + "/" + name;
}

std::string RocksViewShelf::note(int64_t generation, const std::string& name) const {
  return text_of_file(note_path(generation, name));
}

void RocksViewShelf::set_note(int64_t generation, const std::string& name, const std::string& text) {
  const fs::path path = note_path(generation, name);
  if (text.empty()) {
    fs::remove(path);
    return;
  }
  fs::create_directories(path.parent_path());
  replace_file(path.parent_path(), name, text);
}

void RocksViewShelf::set_aside(int64_t generation) {
  if (!fs::exists(folder(generation))) return;          // deleted is aside enough
  const std::string damaged = directory_ + "/damaged";  // the last one is enough for a look
  fs::remove_all(damaged);
  fs::rename(folder(generation), damaged);
}

void RocksViewShelf::remove(int64_t generation) { fs::remove_all(folder(generation)); }

std::string RocksViewShelf::about_checkpoint(const std::string& directory) const {
  return text_of_file(directory + "/" + about_checkpoint_file);
}

// Tables never change: they may be shared, where that can be. CURRENT makes it a database, so it comes last.
void RocksViewShelf::adopt(const std::string& directory, int64_t generation) {
  const fs::path to = folder(generation);
  try {
    for (const auto& entry : fs::directory_iterator(directory)) {
      const std::string name = entry.path().filename().string();
      if (name == "CURRENT" || name == about_checkpoint_file) continue;
      std::error_code not_shared(EXDEV, std::generic_category());
      if (entry.path().extension() == ".sst") fs::create_hard_link(entry.path(), to / name, not_shared);
      if (not_shared) fs::copy_file(entry.path(), to / name, fs::copy_options::overwrite_existing);
    }
    fs::copy_file(directory + "/CURRENT", to / "CURRENT");
  } catch (const fs::filesystem_error& error) {
    throw CheckpointRefused(std::string("the checkpoint cannot be copied: ") + error.what());
  }
}

std::string RocksViewShelf::damage_of(int64_t generation) const {
  const std::string report = folder(generation) + "/" + damage_report;
  if (!fs::exists(folder(generation) + "/CURRENT")) return "its folder was deleted, or its CURRENT file";
  if (!fs::exists(report)) return "";
  return "a reader met " + text_of_file(report);
}

}  // namespace everfold
