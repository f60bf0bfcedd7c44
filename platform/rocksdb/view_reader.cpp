#include <rocksdb/db.h>
#include <sys/stat.h>

#include <filesystem>
#include <mutex>

#include "platform/rocksdb/live_pointer.hpp"
#include "platform/rocksdb/view_db.hpp"
#include "platform/rocksdb/view_store.hpp"

namespace everfold {
namespace {

using Family = ViewDb::Family;

// Which folder it is, not only which number: somebody may delete the views, and the projector counts from 1 again.
struct Identity {
  int64_t generation = 0;
  ino_t inode = 0;
  int64_t made_ns = 0;
  bool operator==(const Identity&) const = default;
};

Identity identity_of(const std::string& view_directory) {
  const int64_t generation = read_live_pointer(view_directory);
  struct stat file {};
  const std::string path = view_directory + "/" + std::to_string(generation) + "/IDENTITY";
  if (generation == 0 || ::stat(path.c_str(), &file) != 0) return {};
  return {generation, file.st_ino, file.st_mtim.tv_sec * 1'000'000'000 + file.st_mtim.tv_nsec};
}

}  // namespace

struct RocksViewReader::Impl {
  std::string directory;
  std::string scratch;
  const RocksMemory& memory;

  std::mutex catching_up;
  mutable std::mutex mutex;  // guards what is below; held for a moment only
  std::shared_ptr<ViewDb> db;
  Identity shown;
  std::string problem;

  std::shared_ptr<ViewDb> current() const {
    const std::lock_guard lock(mutex);
    return db;
  }
  void show(std::shared_ptr<ViewDb> opened, const Identity& identity) {
    const std::lock_guard lock(mutex);
    db.swap(opened);  // the old one is closed by its last reader
    shown = identity;
    problem.clear();
  }
  void complain(std::string sentence) {
    const std::lock_guard lock(mutex);
    problem = std::move(sentence);
  }
  void open(const Identity& identity) {
    const std::string folder = scratch + "/" + std::to_string(identity.generation);
    std::filesystem::create_directories(folder);
    show(ViewDb::follow(directory + "/" + std::to_string(identity.generation), folder, memory), identity);
  }
};

RocksViewReader::RocksViewReader(std::string views_directory, std::string view, std::string scratch_directory,
                                 const RocksMemory& memory)
    : impl_(
          new Impl{std::move(views_directory) + "/" + view, std::move(scratch_directory), memory, {}, {}, {}, {}, {}}) {
  catch_up();
}
RocksViewReader::~RocksViewReader() = default;

bool RocksViewReader::catch_up() {
  const std::lock_guard one_at_a_time(impl_->catching_up);
  const Identity live = identity_of(impl_->directory);
  try {
    if (live.generation == 0) {
      impl_->complain("the projector has no finished generation of this view");
    } else if (live != impl_->shown) {
      impl_->open(live);
    } else {
      require_ok(impl_->db->db().TryCatchUpWithPrimary(), "catching up");
      impl_->complain({});
    }
  } catch (const std::runtime_error& error) {  // ViewDamaged too: its cure is the projector's business
    impl_->complain(error.what());
    // Half caught up is no state to go on from; what is shown stays until the same folder opens again.
    const std::lock_guard lock(impl_->mutex);
    impl_->shown.inode = 0;
  }
  return generation() > 0;
}

int64_t RocksViewReader::generation() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->shown.generation;
}

std::string RocksViewReader::problem() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->problem;
}

std::optional<std::string> RocksViewReader::row(std::string_view key) const {
  const auto db = impl_->current();
  return db ? db->get(Family::rows, key) : std::nullopt;
}
void RocksViewReader::rows(std::string_view prefix, std::string_view from, const Visit& visit) const {
  if (const auto db = impl_->current()) db->forwards(Family::rows, prefix, from, visit);
}
void RocksViewReader::rows_backwards(std::string_view prefix, const Visit& visit) const {
  if (const auto db = impl_->current()) db->backwards(Family::rows, prefix, visit);
}
void RocksViewReader::index(std::string_view prefix, const Visit& visit) const {
  if (const auto db = impl_->current()) db->forwards(Family::index, prefix, {}, visit);
}
void RocksViewReader::index_backwards(std::string_view prefix, const Visit& visit) const {
  if (const auto db = impl_->current()) db->backwards(Family::index, prefix, visit);
}
LogPosition RocksViewReader::position(const LogId& log) const {
  const auto db = impl_->current();
  return db ? db->position(log) : LogPosition{};
}

}  // namespace everfold
