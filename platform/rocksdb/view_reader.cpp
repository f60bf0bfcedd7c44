#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>

#include "platform/rocksdb/live_pointer.hpp"
#include "platform/rocksdb/view_db.hpp"
#include "platform/rocksdb/view_store.hpp"

namespace everfold {
namespace {

using Kind = ViewDb::Kind;

using Clock = std::chrono::steady_clock;

// A reader that is only late to a file that the writer has replaced is well again a moment later.
constexpr std::chrono::seconds patience{3};

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
  std::optional<Clock::time_point> damaged_since;  // without a good catch_up between; guarded by catching_up

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
  // Until the same folder opens again.
  void stop_following(std::string why) {
    const std::lock_guard lock(mutex);
    problem = std::move(why);
    shown.inode = 0;
  }
  void open(const Identity& identity) {
    const std::string folder = scratch + "/" + std::to_string(identity.generation);
    std::filesystem::create_directories(folder);
    show(ViewDb::follow(directory + "/" + std::to_string(identity.generation), folder, memory), identity);
  }
  // Its writer may never meet what a reader met: it looks for this note, and folds anew.
  void report(int64_t generation, const ViewDamaged& damage) const {
    if (generation > 0 && generation == read_live_pointer(directory))
      std::ofstream(directory + "/" + std::to_string(generation) + "/" + damage_report) << damage.what();
  }
  void read(const std::function<void(const ViewDb&)>& read) const {
    std::shared_ptr<ViewDb> from;
    int64_t generation = 0;
    {
      const std::lock_guard lock(mutex);
      from = db;
      if (shown.inode != 0) generation = shown.generation;  // otherwise catch_up() knows of trouble already
    }
    if (!from) return;
    try {
      read(*from);
      from->require_whole();
    } catch (const ViewDamaged& damage) {
      report(generation, damage);
      throw;
    }
  }
};

RocksViewReader::RocksViewReader(std::string views_directory, std::string view, std::string scratch_directory,
                                 const RocksMemory& memory)
    : impl_(
          new Impl{std::move(views_directory) + "/" + view, std::move(scratch_directory), memory, {}, {}, {}, {}, {}, {}}) {
  catch_up();
}
RocksViewReader::~RocksViewReader() = default;

bool RocksViewReader::catch_up() {
  const std::lock_guard one_at_a_time(impl_->catching_up);
  const Identity live = identity_of(impl_->directory);
  try {
    if (live.generation == 0) {
      impl_->complain("the projector has no finished generation of this view");
    } else if (live != impl_->shown || impl_->db->tables_changed()) {
      impl_->open(live);
    } else {
      impl_->db->catch_up();
      impl_->complain({});
    }
    impl_->damaged_since.reset();
  } catch (const ViewDamaged& damage) {  // its cure is the projector's business
    impl_->stop_following(damage.what());
    if (!impl_->damaged_since) impl_->damaged_since = Clock::now();
    if (Clock::now() - *impl_->damaged_since > patience) impl_->report(live.generation, damage);
  } catch (const std::runtime_error& error) {
    impl_->stop_following(error.what());
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
  std::optional<std::string> row;
  impl_->read([&](const ViewDb& db) { row = db.get(Kind::row, key); });
  return row;
}
void RocksViewReader::rows(std::string_view prefix, std::string_view from, const Visit& visit) const {
  impl_->read([&](const ViewDb& db) { db.forwards(Kind::row, prefix, from, visit); });
}
void RocksViewReader::rows_backwards(std::string_view prefix, const Visit& visit) const {
  impl_->read([&](const ViewDb& db) { db.backwards(Kind::row, prefix, visit); });
}
void RocksViewReader::index(std::string_view prefix, const Visit& visit) const {
  impl_->read([&](const ViewDb& db) { db.forwards(Kind::index, prefix, {}, visit); });
}
void RocksViewReader::index_backwards(std::string_view prefix, const Visit& visit) const {
  impl_->read([&](const ViewDb& db) { db.backwards(Kind::index, prefix, visit); });
}
LogPosition RocksViewReader::position(const LogId& log) const {
  LogPosition position;
  impl_->read([&](const ViewDb& db) { position = db.position(log); });
  return position;
}

}  // namespace everfold
