#include "tools/replay/folds/scratch_views.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "tools/replay/tool.hpp"

namespace everfold::replay {
namespace {

namespace fs = std::filesystem;

constexpr int64_t only_generation = 1;
constexpr const char* asked_note = "asked";

}  // namespace

TemporaryPath::TemporaryPath() : path_(fs::temp_directory_path() / "everfold-replay-XXXXXX") {
  if (!::mkdtemp(path_.data())) throw std::runtime_error("no temporary folder " + path_ + ": " + std::strerror(errno));
}

TemporaryPath::TemporaryPath(std::string path) : path_(std::move(path)) { fs::remove_all(path_); }

TemporaryPath::~TemporaryPath() {
  std::error_code error;
  fs::remove_all(path_, error);
  if (error) note(path_ + " could not be removed: " + error.message());
}

ScratchView::ScratchView(std::unique_ptr<View> view, const std::string& directory, const RocksMemory& memory,
                         Asked asked, bool anew, ScratchFold::Admits admits)
    : view_(std::move(view)), shelf_(directory, std::string(view_->name()), memory) {
  asked["version of the view"] = std::to_string(view_->version());
  if (!anew) store_ = left_there(directory, asked);
  if (!store_) {
    if (shelf_.live() > 0) refuse_finished(directory, "");
    for (const int64_t unfinished : shelf_.generations()) shelf_.remove(unfinished);
    shelf_.set_note(only_generation, asked_note, to_json(asked));
    store_ = shelf_.create(only_generation, view_->version());
  }
  fold_ = std::make_unique<ScratchFold>(*view_, *store_, std::move(admits));
}

ScratchView::~ScratchView() = default;

void ScratchView::refuse_finished(const std::string& directory, const std::string& why) const {
  throw UsageError(directory + " holds a finished view " + std::string(view_->name()) + why + ". Read it with --in " +
                   directory + ", or give another --out");
}

std::unique_ptr<ViewStore> ScratchView::left_there(const std::string& directory, const Asked& asked) {
  const std::string folder = directory + "/" + std::string(view_->name());
  const std::string before = shelf_.note(only_generation, asked_note);
  if (before.empty()) return nullptr;
  if (const auto other = difference(asked_of(before), asked)) {
    if (shelf_.live() > 0) refuse_finished(directory, " of another run: " + *other);
    refuse_to_go_on(folder, *other, "folder");
  }
  try {
    return shelf_.open(only_generation).store;
  } catch (const ViewDamaged& damage) {
    note("view " + std::string(view_->name()) + " is folded from the beginning: what an interrupted run left in " +
         folder + " cannot be opened: " + damage.what());
    return nullptr;
  }
}

void ScratchView::finish() {
  fold_->write();
  shelf_.set_live(only_generation);
}

}  // namespace everfold::replay
