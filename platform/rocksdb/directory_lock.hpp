// One process a directory of local state: it has one writer.
#pragma once

#include <string>

namespace everfold {

class DirectoryLock {
 public:
  // Makes the directory if need be. Throws std::runtime_error when another process has it, or it cannot be made.
  explicit DirectoryLock(const std::string& directory);
  ~DirectoryLock();  // the kernel lets go of it too when the process dies
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int fd_;
};

}  // namespace everfold
