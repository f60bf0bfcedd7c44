// The projector's live view, read as a secondary instance, beside another fold of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "platform/rocksdb/view_store.hpp"
#include "runtime/views/view.hpp"
#include "runtime/views/view_comparison.hpp"
#include "tools/replay/folds/scratch_views.hpp"

namespace everfold::replay {

class LiveComparison {
 public:
  // As the live view stands now; it is not followed. Throws std::runtime_error when there is none.
  LiveComparison(const std::string& views_directory, const View& view, const RocksMemory& memory);

  int64_t position(const LogId& log) const { return live_.position(log).offset; }

  // Each difference goes to `say` as a line of JSON, {"key", "difference": "added|lost|changed", "live"?, "run"?,
  // "changes"?: [{"path", "live"?, "run"?}]}; false: enough.
  Comparison::Counts compare(const ViewReader& run, const std::function<bool(const std::string& line)>& say) const;

 private:
  const View& view_;
  TemporaryPath scratch_;  // RocksDB's notes
  RocksViewReader live_;
};

}  // namespace everfold::replay
