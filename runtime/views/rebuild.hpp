// A generation in the making: what was asked, how far it is, and what comes next. Pure.
//
// What was asked lies as a note beside the generation from before its first byte until it is live. So a generation with
// such a note is in the making, and one without is whole: it was live once. After a crash between any two steps the
// note tells how to go on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/views/view_comparison.hpp"

namespace everfold {

struct RebuildOrder {
  enum class Kind {
    rebuild,   // folded from the beginning
    rollback,  // the generation that was live before: folded on from where it was left
    restore,   // of a checkpoint: folded on from where that stands
  };
  Kind kind = Kind::rebuild;
  bool verify = false;           // compare it with the live one
  bool switch_by_itself = true;  // unless it is found different
  bool stopped = false;          // by somebody: not gone on with until it is asked for again
  std::string id;                // of the order: what is noted of a generation is noted once
  std::string actor;             // empty: nobody, there was none of this version of the code
  std::string correlation_id;
  std::string directory;  // of the checkpoint
  bool operator==(const RebuildOrder&) const = default;
};

inline constexpr const char* order_note = "order";
std::string to_text(const RebuildOrder& order);
std::optional<RebuildOrder> order_of(std::string_view text);  // nothing: not one

class RebuildSteps {
 public:
  enum class Phase { folding, verifying, catching_up, ready, switched, stopped, failed };

  explicit RebuildSteps(RebuildOrder order) : order_(std::move(order)) {}

  Phase phase() const { return phase_; }
  const RebuildOrder& order() const { return order_; }

  // It is folded as far as was to be: to where the live one stood when it is to be compared, otherwise, and after that,
  // to the logs' end.
  void reached();
  void compared(bool same);
  // Somebody wants it whatever was found. False: it is not ready.
  bool ask_switch();
  bool may_switch() const { return phase_ == Phase::ready && (asked_ || (order_.switch_by_itself && same_)); }

 private:
  RebuildOrder order_;
  Phase phase_ = Phase::folding;
  bool same_ = true;
  bool asked_ = false;
};

std::string_view to_string(RebuildOrder::Kind kind);
std::string_view to_string(RebuildSteps::Phase phase);  // "catching_up"

// How far one is, to be told.
struct BuildStatus {
  int64_t generation = 0;
  RebuildOrder order;
  RebuildSteps::Phase phase = RebuildSteps::Phase::folding;
  int64_t events = 0;   // folded
  int64_t records = 0;  // read of the logs,
  int64_t total = 0;    // of so many as it was to read when it was asked last
  int64_t duration_ms = 0;
  double events_per_s = 0;
  int64_t compared = 0;  // rows, while verifying
  std::shared_ptr<const Comparison> comparison;
  std::string failure;
  std::vector<int64_t> next_offsets;  // by log

  bool under_way() const {
    using Phase = RebuildSteps::Phase;
    return phase != Phase::switched && phase != Phase::stopped && phase != Phase::failed;
  }
};

}  // namespace everfold
