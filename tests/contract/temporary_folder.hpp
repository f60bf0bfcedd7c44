#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "kernel/check.hpp"

namespace everfold::testing {

// Deleted with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(::testing::TempDir() + "everfold-XXXXXX") {
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
