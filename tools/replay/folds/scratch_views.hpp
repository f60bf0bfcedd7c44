// Views folded anew into a folder, as generations that whatever reads views can read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/rocksdb/view_store.hpp"
#include "tools/replay/folds/asked.hpp"
#include "tools/replay/folds/scratch_fold.hpp"

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

// <directory>/<view>/1, with the pointer to it only when it is finished: what has none is of a run that was
// interrupted.
//
// A kill at any moment leaves: the note of what was asked, and no store or one that cannot be opened (begun anew); a
// store, whose rows are those of its positions (gone on from there, nothing twice); a store with everything and no
// pointer (there is little to go on with). The note comes first, so no store is without it.
class ScratchView {
 public:
  // Goes on from one that was asked the same, unfinished (unless `anew`) or finished. Throws UsageError when it was
  // asked for something else, when another version of the view folded it, and when a finished one is to begin anew.
  ScratchView(std::unique_ptr<View> view, const std::string& directory, const RocksMemory& memory, Asked asked,
              bool anew, ScratchFold::Admits admits);
  ~ScratchView();

  void take(const LogId& log, const Commit& commit, const LogPosition& behind) { fold_->take(log, commit, behind); }
  void finish();                   // from now on it is read
  void keep() { fold_->write(); }  // instead: another run goes on

  const View& view() const { return *view_; }
  const ScratchFold& fold() const { return *fold_; }
  const ViewReader& rows() const { return *store_; }

 private:
  std::unique_ptr<ViewStore> left_there(const std::string& directory, const Asked& asked);
  [[noreturn]] void refuse_finished(const std::string& directory, const std::string& why) const;

  std::unique_ptr<View> view_;
  RocksViewShelf shelf_;
  std::unique_ptr<ViewStore> store_;
  std::unique_ptr<ScratchFold> fold_;
};

}  // namespace everfold::replay
