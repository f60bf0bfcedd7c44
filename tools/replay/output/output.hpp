// Where a command's data go: standard output, or a file that appears whole under its name when everything is in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::replay {

class Output {
 public:
  // `file` "": standard output. Otherwise file.part, cut to `keep` bytes, until finish(). Throws std::runtime_error
  // with a sentence.
  explicit Output(std::string file, int64_t keep = 0);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Buffered. False: whoever read it is gone, nothing more is wanted. Throws std::runtime_error: the disk is full, …
  bool write(std::string_view bytes);
  bool flush();
  // What is flushed is on the disk: for whoever notes how far it has come.
  void sync();
  // Everything is written: the file gets its name.
  void finish();

  bool closed() const { return closed_; }
  // The same, asked of the pipe though nothing is written.
  bool look_whether_closed();
  bool is_terminal() const;
  int64_t length() const { return length_; }  // written and flushed

 private:
  const std::string file_;
  const std::string part_;
  int fd_;
  std::string buffer_;
  int64_t length_;
  bool closed_ = false;
};

}  // namespace everfold::replay
