#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "kernel/check.hpp"

namespace everfold::testing {

// For tests that make many files that are synced, which costs seconds on a disk and shows nothing more.
inline std::string in_memory() {
  return std::filesystem::is_directory("/dev/shm") ? "/dev/shm/" : ::testing::TempDir();
}

// Deleted with the object.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& parent = ::testing::TempDir()) : path_(parent + "everfold-XXXXXX") {
    check(::mkdtemp(path_.data()) != nullptr, "no temporary folder is to be had");
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace everfold::testing
