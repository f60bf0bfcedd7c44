// A view as the projector drives it, whatever its row is: events in, changed rows out.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/log/stored_event.hpp"
#include "runtime/views/views.hpp"

namespace everfold {

inline constexpr std::string_view every_context = "*";

class View {
 public:
  virtual ~View() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view context() const = 0;  // or every_context
  virtual int version() const = 0;
  virtual std::string_view row_type() const = 0;  // the Protobuf message that a row is: "everfold.orders.v1.OrderRow"

  // Folds on from what `store` holds; what was folded and not taken is forgotten. The store outlives the next attach().
  virtual void attach(const ViewReader& store) = 0;
  // False: no event that this view's code can read.
  virtual bool fold(const StoredEvent& event) = 0;
  // Adds the rows that changed since the last call, and their index entries. The caller writes them before anything is
  // folded on.
  virtual void take_changes(ViewBatch& batch) = 0;
};

}  // namespace everfold
