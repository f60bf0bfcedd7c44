// Which generation of a view to fold on, and what lies beside it: the rules over a ViewShelf.
//
// On the shelf are at most: the live one; one that is whole, the former live one, for a rollback; and those in the
// making, each with its order as a note (runtime/views/rebuild.hpp), of which one is gone on with. A switch takes the former
// away first, then moves the pointer, then takes the order off what is live now. A crash in between leaves a shelf of
// which the same is true.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/views/operations_log.hpp"
#include "runtime/views/rebuild.hpp"
#include "runtime/views/view_ports.hpp"
#include "runtime/views/view_shelf.hpp"

namespace everfold {

struct Generation {
  int64_t number = 0;
  std::unique_ptr<ViewStore> store;
};

// One in the making.
struct Build {
  Generation generation;
  RebuildOrder order;
};

// What became of a generation in the making is noted once: a restart goes on with it, and tells it again.
DoneBy done_by(const RebuildOrder& order, int64_t generation, const std::string& what, int64_t time_ms);

class ViewGenerations {
 public:
  ViewGenerations(std::string view, int code_version, const ViewPorts& ports)
      : ports_(ports), view_(std::move(view)), code_version_(code_version) {}

  struct Opened {
    std::optional<Generation> live;  // if this version of the code wrote it
    std::optional<Build> build;      // what was begun and is gone on with
  };
  // Damaged ones are set aside on the way, and what cannot be gone on with is removed; of one in the making it is noted
  // before that it failed. So a crash in between leaves it to fail again, which is noted already, or to be whole: then
  // it is gone on with, and finished after it failed. Throws ViewUnwritable when that cannot be noted: nothing was
  // done.
  Opened open();
  // An empty one, or one that was begun from the beginning and left.
  Build start(RebuildOrder order);
  // The former live one, to be folded on; nothing: there is none that this version of the code wrote.
  std::optional<Build> take_up_former(RebuildOrder order);

  // A number for a checkpoint to be copied to; until it is taken in, it is none that is gone on with.
  int64_t reserve(const RebuildOrder& order);
  // What was copied there; throws ViewDamaged, or CheckpointRefused when another version wrote it.
  Build take_in(int64_t number, RebuildOrder order);
  void remove(int64_t number) { ports_.shelf.remove(number); }

  // Queries read it from now on; what they have read until now becomes the former.
  void switch_to(const Generation& generation);
  // It is not gone on with any more, and stays as it is.
  void leave(int64_t number, RebuildOrder order);
  // Takes away what is neither live nor `building`.
  std::vector<int64_t> prune(int64_t building);
  // Close its store first. `order`: of one in the making; as open().
  void set_aside(int64_t number, const ViewDamaged& damage, const std::optional<RebuildOrder>& order);
  std::string damage_of(int64_t number) const { return ports_.shelf.damage_of(number); }

  struct Listed {
    int64_t number = 0;
    std::optional<int> code_version;    // nothing: of an earlier Everfold, which did not note it
    std::optional<int64_t> made_at_ms;  // since 1970
    std::optional<RebuildOrder> order;  // in the making, or left
  };
  // From any thread.
  std::vector<Listed> list() const;
  int64_t live() const { return ports_.shelf.live(); }
  std::optional<int64_t> former() const;
  // When it stopped being live; nothing: that was not noted.
  std::optional<int64_t> left_at_ms(int64_t number) const;
  // Positions of the former one; nothing: there is none that this version of the code wrote. Not from another thread.
  std::optional<std::vector<std::pair<LogId, LogPosition>>> former_positions(const std::vector<LogId>& logs);

  // Directories where checkpoints were made, the last ones first.
  std::vector<std::string> checkpoints() const;
  void remember_checkpoint(const std::string& directory);

  // By somebody.
  bool paused() const;
  void set_paused(bool paused, const std::string& by);

 private:
  std::optional<Generation> open(int64_t number);
  std::optional<RebuildOrder> order_of(int64_t number) const;
  void note_failed(int64_t number, const RebuildOrder& order, const std::string& why);
  Build create(RebuildOrder order);
  int64_t next_number(const RebuildOrder& order);
  std::string name(int64_t number) const { return "view " + view_ + ", generation " + std::to_string(number); }

  const ViewPorts& ports_;
  const std::string view_;
  const int code_version_;
  int64_t highest_ = 0;  // number ever used: none is used again while a reader may know it
};

}  // namespace everfold
