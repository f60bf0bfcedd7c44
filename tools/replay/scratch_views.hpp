// Views folded anew into a folder, as generations that whatever reads views can read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/rocksdb/view_store.hpp"
#include "tools/replay/scratch_fold.hpp"

namespace everfold::replay {

// A file or folder that goes away with the object, with all that is in it.
class TemporaryPath {
 public:
  TemporaryPath();                           // a folder of its own in TMPDIR
  explicit TemporaryPath(std::string path);  // what was there before is removed, and nothing made
  ~TemporaryPath();
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// <directory>/<view>/1, with the pointer to it only when it is finished: what has none is of a run that died.
class ScratchView {
 public:
  // Throws std::runtime_error when a finished one is there; removes an unfinished one.
  ScratchView(std::unique_ptr<View> view, const std::string& directory, const RocksMemory& memory,
              ScratchFold::Admits admits);
  ~ScratchView();

  void take(const LogId& log, const Commit& commit) { fold_->take(log, commit); }
  void finish();   // from now on it is read
  void discard();  // instead: nothing is left behind

  const View& view() const { return *view_; }
  const ScratchFold& fold() const { return *fold_; }
  const ViewReader& rows() const { return *store_; }

 private:
  std::unique_ptr<View> view_;
  RocksViewShelf shelf_;
  std::unique_ptr<ViewStore> store_;
  std::unique_ptr<ScratchFold> fold_;
};

}  // namespace everfold::replay
