// Views in RocksDB. One view is <views-dir>/<view>/: a folder a generation (a RocksDB each) and the text file `live`,
// which names the generation that queries read. The projector is the sole writer; query programs follow it as secondary
// instances.
//
// Every method of a ViewReader throws ViewDamaged (runtime/views/view_shelf.hpp) when the files cannot be read, and leaves the
// projector a note of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/views/view_shelf.hpp"
#include "runtime/views/views.hpp"

namespace everfold {

// Shared by the views of a program: one block cache, one budget for what is not flushed yet.
class RocksMemory {
 public:
  explicit RocksMemory(std::size_t block_cache_bytes = 128u << 20, std::size_t write_buffer_bytes = 128u << 20);
  ~RocksMemory();
  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// The writer's side of one generation. Batches go to the write-ahead log without a sync: after a crash of the process
// the log is in the page cache still; after a crash of the machine the store opens at an earlier batch, whose positions
// say where in Kafka to go on. From any thread.
class RocksViewStore final : public ViewStore {
 public:
  // Throws ViewDamaged; ViewUnwritable for anything else (disk full, permission, opened by another process).
  static std::unique_ptr<RocksViewStore> open(const std::string& directory, const RocksMemory& memory);
  static std::unique_ptr<RocksViewStore> create(const std::string& directory, int code_version,
                                                const RocksMemory& memory);
  ~RocksViewStore() override;

  int code_version() const;  // of the view that folded it

  std::optional<std::string> row(std::string_view key) const override;
  void rows(std::string_view prefix, std::string_view from, const Visit& visit) const override;
  void rows_backwards(std::string_view prefix, const Visit& visit) const override;
  void index(std::string_view prefix, const Visit& visit) const override;
  void index_backwards(std::string_view prefix, const Visit& visit) const override;
  LogPosition position(const LogId& log) const override;
  void write(const ViewBatch& batch) override;
  std::unique_ptr<ViewSnapshot> snapshot() const override;
  void checkpoint(const std::string& directory, const std::string& about) const override;

 private:
  struct Impl;
  explicit RocksViewStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A query program's side of one view: what the projector has written as of the last catch_up(). All methods from any
// thread. While there is no live generation yet (generation() == 0), the view looks empty and stands at offset 0.
class RocksViewReader final : public ViewReader {
 public:
  // `scratch_directory`: RocksDB's notes of this reader, its own; may be deleted between two runs. Opens what is there.
  RocksViewReader(std::string views_directory, std::string view, std::string scratch_directory,
                  const RocksMemory& memory);
  ~RocksViewReader() override;

  // Shows what the projector has written by now, whole batches (while tables change perhaps one less, and the next call
  // shows it); follows the `live` file to another generation. Cheap when nothing is new (tens of microseconds). Calls at
  // the same time wait for each other. Returns generation() > 0. A generation that cannot be opened just now (it is being
  // replaced) leaves the reader as it was; problem() says why. One that could not be followed throws ViewDamaged at every
  // read, until it can be opened again.
  bool catch_up();
  int64_t generation() const;   // of what is shown; 0: nothing yet
  std::string problem() const;  // empty: none

  std::optional<std::string> row(std::string_view key) const override;
  void rows(std::string_view prefix, std::string_view from, const Visit& visit) const override;
  void rows_backwards(std::string_view prefix, const Visit& visit) const override;
  void index(std::string_view prefix, const Visit& visit) const override;
  void index_backwards(std::string_view prefix, const Visit& visit) const override;
  LogPosition position(const LogId& log) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// <views-dir>/<view>/ of the projector.
class RocksViewShelf final : public ViewShelf {
 public:
  RocksViewShelf(std::string views_directory, std::string view, const RocksMemory& memory);

  int64_t live() const override;
  std::vector<int64_t> generations() const override;
  Opened open(int64_t generation) override;
  std::unique_ptr<ViewStore> create(int64_t generation, int code_version) override;
  void set_live(int64_t generation) override;
  void set_aside(int64_t generation) override;
  void remove(int64_t generation) override;
  std::string note(int64_t generation, const std::string& name) const override;
  void set_note(int64_t generation, const std::string& name, const std::string& text) override;
  std::string about_checkpoint(const std::string& directory) const override;
  void adopt(const std::string& directory, int64_t generation) override;
  std::string damage_of(int64_t generation) const override;

 private:
  std::string folder(int64_t generation) const;
  std::string note_path(int64_t generation, const std::string& name) const;

  std::string directory_;
  const RocksMemory& memory_;
};

}  // namespace everfold
