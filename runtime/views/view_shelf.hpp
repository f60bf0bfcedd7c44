// The port to where a view's generations lie. A generation is one fold of the logs by one version of the view's code;
// the live one is what queries read, another may be folded beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/views/views.hpp"

namespace everfold {

// What lies on the disk cannot be read: the logs are the truth, so the answer is to fold the view anew.
class ViewDamaged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The disk is full, ailing, or not to be written: that passes, or somebody must mend it.
class ViewUnwritable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ViewShelf {
 public:
  struct Opened {
    std::unique_ptr<ViewStore> store;
    int code_version = 0;  // of the view that folded it
  };

  virtual ~ViewShelf() = default;
  virtual int64_t live() const = 0;                      // 0: none yet
  virtual std::vector<int64_t> generations() const = 0;  // ascending
  // Throws ViewDamaged. As everything here and in a store: ViewUnwritable.
  virtual Opened open(int64_t generation) = 0;
  virtual std::unique_ptr<ViewStore> create(int64_t generation, int code_version) = 0;
  // Atomic: a reader sees the old one or the new one.
  virtual void set_live(int64_t generation) = 0;
  // Not a generation any more, but kept for a look: its store is damaged. Close it first.
  virtual void set_aside(int64_t generation) = 0;
  virtual void remove(int64_t generation) = 0;
  // A short text that lies beside a generation (0: beside all of them), made or not, and goes with it. Atomic and durable. "": none.
  virtual std::string note(int64_t generation, const std::string& name) const = 0;
  virtual void set_note(int64_t generation, const std::string& name, const std::string& text) = 0;
  // What was said about a checkpoint when it was made; "": there is none.
  virtual std::string about_checkpoint(const std::string& directory) const = 0;
  // Copies it to be a generation, which has a note already. From any thread. Throws CheckpointRefused.
  virtual void adopt(const std::string& directory, int64_t generation) = 0;
  // What happened to an open store since: somebody deleted its folder, a reader met damage. Empty: nothing.
  virtual std::string damage_of(int64_t generation) const = 0;
};

}  // namespace everfold
