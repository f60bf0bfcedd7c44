// One projector a views directory: the views have one writer.
#pragma once

#include <string>

namespace everfold {

class ViewsLock {
 public:
  // Makes the directory if need be. Throws std::runtime_error when another process has it, or it cannot be made.
  explicit ViewsLock(const std::string& views_directory);
  ~ViewsLock();  // the kernel lets go of it too when the process dies
  ViewsLock(const ViewsLock&) = delete;
  ViewsLock& operator=(const ViewsLock&) = delete;

 private:
  int fd_;
};

}  // namespace everfold
