#include "tools/replay/scratch_views.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "tools/replay/progress.hpp"

namespace everfold::replay {
namespace {

namespace fs = std::filesystem;

constexpr int64_t only_generation = 1;

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
                         ScratchFold::Admits admits)
    : view_(std::move(view)), shelf_(directory, std::string(view_->name()), memory) {
  const std::string folder = directory + "/" + std::string(view_->name());
  if (shelf_.live() > 0)
    throw std::runtime_error(folder + " holds a view already: read it with --in " + directory +
                             ", or give another --out");
  for (const int64_t unfinished : shelf_.generations()) shelf_.remove(unfinished);
  store_ = shelf_.create(only_generation, view_->version());
  fold_ = std::make_unique<ScratchFold>(*view_, *store_, std::move(admits));
}

ScratchView::~ScratchView() = default;

void ScratchView::finish() {
  fold_->finish();
  shelf_.set_live(only_generation);
}

void ScratchView::discard() {
  fold_.reset();
  store_.reset();
  shelf_.remove(only_generation);
}

}  // namespace everfold::replay
