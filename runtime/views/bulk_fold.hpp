// Many records at once: logs folded into a store exactly as far as they are to be, by several threads. Each has a share
// of the shards, of every context, a source and a View of its own; a row is one aggregate's, so their rows are
// disjoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "runtime/views/view_folding.hpp"

namespace everfold {

struct BulkFold {
  const MakeView& make_view;
  ViewStore& store;
  const std::vector<LogId>& logs;
  const ViewPorts& ports;
  const ProjectorSettings& settings;
  // After every step, from the threads: events folded, and where the given ones of `logs` stand.
  std::function<void(std::size_t events, const ViewFold& fold, const std::vector<std::size_t>& logs)> show;
};

// `offsets`: of bulk.logs; no record from there on is folded. False: asked to stop before. What was folded is written.
// Throws what one of the threads threw; the others have stopped then.
bool fold_in_bulk(const BulkFold& bulk, const std::vector<int64_t>& offsets, const std::stop_token& stop);

}  // namespace everfold
