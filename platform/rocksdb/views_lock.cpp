#include "platform/rocksdb/views_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace everfold {

ViewsLock::ViewsLock(const std::string& views_directory) {
  std::filesystem::create_directories(views_directory);
  const std::string path = views_directory + "/lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) throw std::runtime_error("opening " + path + ": " + std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(fd_);
  throw std::runtime_error("another projector writes the views in " + views_directory +
                           ": stop it, or give this one another --views-dir");
}

ViewsLock::~ViewsLock() { ::close(fd_); }

}  // namespace everfold
