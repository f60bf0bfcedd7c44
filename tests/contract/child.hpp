// What a piece of code says in a process of its own, for code that may end its process or never come back.
//
// A child has none of its parent's threads, and RocksDB's are the whole process's: a parent that has opened a database has no children
// that could. So a test program that uses this opens databases in children only.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "kernel/check.hpp"

namespace everfold::testing {

inline constexpr unsigned child_deadline_s = 30;

// Nothing: an assertion ended it. What else goes wrong with it is said in words: "threw: …", "hung", "ended by signal 11".
inline std::optional<std::string> said_by_child(const std::function<std::string()>& code) {
  int ends[2];
  check(::pipe(ends) == 0, "no pipe is to be had");
  const pid_t child = ::fork();
  check(child >= 0, "no process is to be had");
  if (child == 0) {
    ::alarm(child_deadline_s);
    std::string said;
    try {
      said = code();
    } catch (const std::exception& error) {
      said = std::string("threw: ") + error.what();
    }
    check(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()), "a child's words are longer than a pipe");
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char piece[4'096];
  for (ssize_t bytes; (bytes = ::read(ends[0], piece, sizeof piece)) > 0;) said.append(piece, static_cast<std::size_t>(bytes));
  ::close(ends[0]);
  int status = 0;
  check(::waitpid(child, &status, 0) == child, "a child is not there any more");
  if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? said : "ended with " + std::to_string(WEXITSTATUS(status));
  if (WTERMSIG(status) == SIGABRT) return std::nullopt;
  return WTERMSIG(status) == SIGALRM ? "hung" : "ended by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace everfold::testing
