#include "tools/replay/output/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace everfold::replay {
namespace {

constexpr std::size_t buffer_bytes = 1 << 16;

[[noreturn]] void refuse(const std::string& what, const std::string& file) {
  throw std::runtime_error(what + " " + (file.empty() ? "standard output" : file) + ": " + std::strerror(errno));
}

}  // namespace

Output::Output(std::string file, int64_t keep)
    : file_(std::move(file)), part_(file_.empty() ? "" : file_ + ".part"), fd_(STDOUT_FILENO), length_(keep) {
  buffer_.reserve(2 * buffer_bytes);
  if (file_.empty()) return;
  fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) refuse("can't write", part_);
  if (::ftruncate(fd_, keep) != 0 || ::lseek(fd_, keep, SEEK_SET) != keep) refuse("can't write", part_);
}

Output::~Output() {
  if (!file_.empty()) ::close(fd_);
}

bool Output::write(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() < buffer_bytes || flush();
}

bool Output::flush() {
  std::string_view left = buffer_;
  while (!left.empty() && !closed_) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) {
      closed_ = true;
      break;
    }
    if (written < 0) refuse("can't write", part_);
    left.remove_prefix(static_cast<std::size_t>(written));
    length_ += written;
  }
  buffer_.clear();
  return !closed_;
}

void Output::sync() {
  if (!file_.empty() && ::fdatasync(fd_) != 0) refuse("can't write", part_);
}

void Output::finish() {
  flush();
  if (file_.empty()) return;
  sync();
  if (std::rename(part_.c_str(), file_.c_str()) != 0) refuse("can't rename " + part_ + " to", file_);
}

bool Output::look_whether_closed() {
  pollfd reader{fd_, 0, 0};
  if (::poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0) closed_ = true;
  return closed_;
}

bool Output::is_terminal() const { return file_.empty() && ::isatty(fd_) == 1; }

}  // namespace everfold::replay
